// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

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
#include "core/train/step_values.h"
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
  // Goes on from a checkpoint; throws InputError naming `path` when net, data or options differ from the checkpoint's, or
  // on the same device the engines that were picked for its layers: see use_engines_of().
  void resume(const Checkpoint& checkpoint, const std::string& path);

  // One step, done when it returns; false when training is over. Throws NonFiniteError when the loss or a gradient is not
  // finite; weights and state are then those of the step before. In fp16 a gradient that is not finite is no error while
  // the loss scale can fall: the step is skipped, which counts as a step but changes neither weights, state nor what the
  // optimizer and the average remember.
  bool step();
  // The same for who does not want to wait: where steps are captured, and none waits for the last one's result (the loss
  // scale of fp16, the end of an epoch), up to steps_ahead of them are under way when it returns. What they found shows in
  // a later call of enqueue() or settle(). Until then all else here tells of the steps before, and checkpoint(), replay()
  // and the weights, which the device may be changing, are not to be asked for.
  bool enqueue();
  // Waits for all steps under way. Both throw NonFiniteError for the first of them that failed: it, and those behind it,
  // changed nothing, and the trainer is as after that step() by itself.
  void settle();
  static constexpr std::size_t steps_ahead = 4;
  // Why steps are not captured once and replayed (Backend::capture); empty: they are, from the second of a size on.
  std::string not_captured() const;

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
  std::int64_t steps_begun() const { return next_step(); }  // with those under way
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
  PlanPasses passes() const { return options_.passes; }       // likewise; arena() was planned with them
  // Of the next step; null but in fp16.
  const LossScale* scaling() const { return scaler_ ? &scaler_->state() : nullptr; }

 private:
  struct Sums {  // over the samples of a step
    double loss = 0;
    std::int64_t correct = 0, labels = 0;
  };
  struct Piece {  // of a step: what its batch and place are, and what it leaves
    std::int64_t batch = 0, piece = 0;
    Tensor labels;                     // or targets
    std::unique_ptr<Arrival> arrival;  // loss and logits; of a step's last piece also what the searches found
  };
  struct UnderWay {  // a step of which the results are not here yet
    std::int64_t samples = 0;
    double learning_rate = 0;
    bool replayed = false;
    std::vector<Piece> pieces = {};
  };

  std::int64_t samples_per_step() const { return options_.batch * options_.accumulate; }
  std::int64_t next_step() const { return step_ + static_cast<std::int64_t>(under_way_.size()); }
  double learning_rate() const;  // of the next step
  std::int64_t random_step() const;
  Batch load();
  Batch piece_of(const Batch& batch, std::int64_t first);
  double loss_scale() const { return scaler_ ? scaler_->scale() : 1; }
  std::int64_t steps_made() const {
    return next_step() - (scaler_ ? scaler_->state().skipped_steps : 0);
  }  // not skipped
  // trainer_step.cpp: what a step is made of on the device, and what becomes of its results.
  Executor& send(const Batch& piece);
  void keep_state();
  void compute_gradients(Executor& executor);
  void update_weights();
  UnderWay enqueue_at_once(std::int64_t samples);
  UnderWay enqueue_in_pieces(std::int64_t samples);
  Piece fetch(Executor& executor, const Batch& piece, bool last);
  void settle_first();
  void skip_step(const std::string& name);
  void count_step(const UnderWay& step, const Sums& sums, bool skipped);
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
  std::unique_ptr<StepValues> values_;
  std::set<std::int64_t> warm_;                                 // images of pieces that have been computed once
  std::map<std::int64_t, std::unique_ptr<Captured>> captured_;  // steps of one piece, by its images
  std::vector<UnderWay> under_way_;                             // the oldest first
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

// Runs the whole of `data` through the model, with the 16-bit copies of the weights where they have them in the precision.
// `batch` is a limit; the last batch may be smaller. `arena`: bytes to compute in (Executor); empty: some are allocated. Throws InputError where the device has not the precision's storage.
Evaluation evaluate(const Model& model, Backend& backend, std::shared_ptr<ParameterArena> weights, const Dataset& data,
                    const Normalization& normalization, std::int64_t batch = TrainOptions::largest_evaluation,
                    const Tensor& arena = {}, Precision precision = Precision::fp32, PlanPasses passes = {});

}  // namespace fovea
