// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "core/backend/backend.h"
#include "core/data/dataset.h"
#include "core/data/loader.h"
#include "core/executor/executor.h"
#include "core/support/error.h"
#include "core/train/checkpoint.h"
#include "core/train/confusion.h"
#include "core/train/device_augmentation.h"
#include "core/train/gradients.h"
#include "core/train/loss_scaler.h"
#include "core/train/optimizer.h"
#include "core/train/replay.h"
#include "core/train/train_options.h"
#include "core/train/training_memory.h"

namespace fovea {

// A step met NaN or infinity.
class NonFiniteError : public Error {
 public:
  using Error::Error;
};

// What a progress display may want to know after a step.
struct Progress {
  std::int64_t step = 0;  // steps done in all
  std::int64_t steps_per_epoch = 0;
  std::int64_t epoch = 0;  // the running epoch, from 1
  std::int64_t epochs = 0;
  double loss = 0, accuracy = 0;  // running means of the epoch so far
  double images_per_second = 0;   // training steps only
  double learning_rate = 0;       // of the step
  bool epoch_finished = false;
};

struct Evaluation {
  double loss = 0;      // mean of the net's loss
  double accuracy = 0;  // fraction of the labels
  std::int64_t images = 0;
  Confusion confusion{0};
};

// Trains a classifier. Everything that a run computes follows from (model, data, options): two runs on the same device
// and machine give the same bits, and so does a run cut anywhere and resumed. Model, backend and data must outlive the
// trainer.
class Trainer {
 public:
  // Throws InputError: an option out of range, a pattern that matches no parameter; data and net do not fit (sample
  // shape, classes), batch outside [1, data.size()] or such that a layer cannot train on the last, smaller one.
  // `sets`: which evaluations are to share arena() with the steps (the training images are those of `data`).
  Trainer(const Model& model, Backend& backend, const Dataset& data, std::string data_identity, TrainOptions options,
          TrainingSets sets = {});
  // Goes on from a checkpoint; throws InputError naming `path` when net, data or options differ from the checkpoint's.
  void resume(const Checkpoint& checkpoint, const std::string& path);

  // One step; false when training is over. Throws NonFiniteError when the loss or a gradient is not finite; weights and
  // state are then those of the step before. In fp16 a gradient that is not finite is no error while the loss scale can
  // fall: the step is skipped, which counts as a step but changes neither weights, state nor what the optimizer and the
  // average remember.
  bool step();
  Progress progress() const;  // as it stands after the last step
  // Steps until epochs or max_steps, calling `progress` after each.
  void run(const std::function<void(const Progress&)>& progress);

  // From now on every step leaves NaN in the output of this layer: a fault to test with (Executor::inject).
  void inject(const std::string& layer);
  // The step that is next, or that has just failed.
  Replay replay();

  Checkpoint checkpoint() const;
  // A JSON line for every step since construction or resume: step, epoch, loss, accuracy, learning rate; in fp16 the
  // scale of the loss, and whether the step was skipped. Deterministic.
  const std::string& metrics() const { return metrics_; }
  double epoch_mean_loss() const;  // of the last finished epoch, or of the current one; NaN before the first step
  double images_per_second() const;
  double seconds() const { return seconds_; }  // in step(), since construction
  std::int64_t steps_done() const { return step_; }
  std::int64_t steps_per_epoch() const;
  // plan_memory(): known before, kept to, and not exceeded by evaluations that are given the arena.
  std::size_t planned_bytes() const { return memory_.total(); }
  const Tensor& arena() const { return arena_; }
  const std::shared_ptr<ParameterArena>& weights() { return weights_; }
  // What is to be evaluated: the moving average of the weights where one is kept.
  const std::shared_ptr<ParameterArena>& evaluation_weights() { return average_ ? average_ : weights_; }
  std::int64_t evaluation_batch() const { return options_.evaluation_batch(); }  // as large as was planned for
  const Normalization& normalization() const { return normalization_; }
  Precision precision() const { return options_.precision; }  // evaluations compute in it too
  // Of the next step; null but in fp16.
  const LossScale* scaling() const { return scaler_ ? &scaler_->state() : nullptr; }

 private:
  struct Sums {  // over the samples of a step
    double loss = 0;
    std::int64_t correct = 0, labels = 0;
  };

  std::int64_t samples_per_step() const { return options_.batch * options_.accumulate; }
  double learning_rate() const;  // of the next step
  std::int64_t random_step() const;
  Batch load();
  // Forward and backward for `samples` samples, in as many batches and pieces as it takes.
  Sums compute_gradients(std::int64_t samples);
  Batch piece_of(const Batch& batch, std::int64_t first);
  void compute_piece(const Batch& piece, std::int64_t samples, Sums& sums);
  double loss_scale() const { return scaler_ ? scaler_->scale() : 1; }
  std::int64_t steps_made() const { return step_ - (scaler_ ? scaler_->state().skipped_steps : 0); }  // not skipped
  void update_weights();
  void skip_step(const std::string& name);
  void count_step(const Sums& sums, std::int64_t samples, bool skipped);
  // Puts the layers' state back to what it was before the step.
  void restore_state();
  // Does so and throws.
  [[noreturn]] void fail_step(const std::string& what);

  const Model& model_;
  const Model trained_;  // what steps compute: training_model()
  Backend& backend_;
  const Dataset& data_;
  std::string data_identity_;
  TrainOptions options_;
  Normalization normalization_;
  std::shared_ptr<ParameterArena> weights_, average_;  // average_ is null where none is kept
  Tensor state_before_;  // of the step that runs, on the device; empty where layers keep no state
  TrainingMemory memory_;
  Tensor arena_;
  std::map<std::int64_t, std::unique_ptr<Executor>> executors_;  // by the images of a piece; they share one arena
  std::unique_ptr<Gradients> gradients_;
  std::unique_ptr<Optimizer> optimizer_;
  PlateauState plateau_;
  std::optional<LossScaler> scaler_;  // in fp16
  std::unique_ptr<Loader> loader_;
  std::unique_ptr<DeviceAugmentation> device_augmentation_;  // null where the loader augments
  std::string inject_;
  std::int64_t batch_of_step_ = 0, piece_of_batch_ = 0;  // which of the step's batches is computed, and what of it
  double last_learning_rate_ = 0;
  std::int64_t step_ = 0;
  std::int64_t epoch_samples_ = 0, epoch_correct_ = 0;  // of the running epoch
  double epoch_loss_ = 0, finished_epoch_loss_ = std::numeric_limits<double>::quiet_NaN();
  double seconds_ = 0;
  std::int64_t timed_images_ = 0;
  std::string metrics_;
};

// Runs the whole of `data` through the model. `batch` is a limit; the last batch may be smaller. `arena`: bytes to
// compute in (Executor); empty: some are allocated. Throws InputError where the device has not the precision's storage.
Evaluation evaluate(const Model& model, Backend& backend, std::shared_ptr<ParameterArena> weights, const Dataset& data,
                    const Normalization& normalization, std::int64_t batch = TrainOptions::largest_evaluation,
                    const Tensor& arena = {}, Precision precision = Precision::fp32);

}  // namespace fovea
