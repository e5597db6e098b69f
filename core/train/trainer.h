// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "core/backend/backend.h"
#include "core/data/dataset.h"
#include "core/executor/executor.h"
#include "core/train/checkpoint.h"

namespace fovea {

struct TrainOptions {
  std::int64_t epochs = 1;  // in all, those before a resume included
  std::int64_t batch = 64;  // the last batch of an epoch is smaller when the data do not divide
  SgdOptions sgd{.learning_rate = 0.05f, .momentum = 0.9f};
  std::uint64_t seed = 1;
  std::int64_t max_steps = -1;  // stop after this many steps in all; -1: never
};

// What a progress display may want to know after a step.
struct Progress {
  std::int64_t step, steps_per_epoch, epoch, epochs;
  double loss, accuracy;     // running means of the epoch so far
  double images_per_second;  // training steps only
  bool epoch_finished = false;
};

struct Evaluation {
  double loss = 0;      // mean cross-entropy
  double accuracy = 0;  // fraction
  std::int64_t images = 0;
};

// Trains a classifier with SGD. Everything that a run computes follows from (model, data, options): two runs on the
// same device and machine give the same bits, and so does a run cut anywhere and resumed.
class Trainer {
 public:
  // Throws InputError: data and net do not fit (sample shape, classes), batch outside [1, data.size()].
  Trainer(const Model& model, Backend& backend, const Dataset& data, std::string data_identity, TrainOptions options);
  // Goes on from a checkpoint; throws InputError when net, data or options differ from the checkpoint's.
  void resume(const Checkpoint& checkpoint, const std::string& path);

  // Trains until epochs or max_steps. Throws Error when the loss stops being finite, naming step and epoch.
  void run(const std::function<void(const Progress&)>& progress);
  // One step; false when training is over.
  bool step();

  Checkpoint checkpoint() const;
  const std::string& metrics() const { return metrics_; }  // JSON lines, deterministic
  double epoch_mean_loss() const;                          // of the last finished (or the current) epoch
  double last_loss() const { return last_loss_; }
  double images_per_second() const;
  std::int64_t steps_done() const { return step_; }
  std::size_t planned_bytes() const;
  ParameterArena& weights() { return *weights_; }
  const Normalization& normalization() const { return normalization_; }

 private:
  const Model& model_;
  Backend& backend_;
  const Dataset& data_;
  std::string data_identity_;
  TrainOptions options_;
  Normalization normalization_;
  std::shared_ptr<ParameterArena> weights_, gradients_, momenta_;
  std::unique_ptr<Executor> full_, tail_;
  std::vector<std::int64_t> order_;
  std::int64_t order_epoch_ = -1;
  std::int64_t step_ = 0, epoch_samples_ = 0, epoch_correct_ = 0;
  double epoch_loss_ = 0, last_loss_ = 0, finished_epoch_loss_ = 0, seconds_ = 0;
  std::int64_t timed_images_ = 0;
  std::string metrics_;
};

// Runs the whole of `data` through the model. `batch` is a limit; the last batch may be smaller.
Evaluation evaluate(const Model& model, Backend& backend, std::shared_ptr<ParameterArena> weights, const Dataset& data,
                    const Normalization& normalization, std::int64_t batch = 256);

}  // namespace fovea
