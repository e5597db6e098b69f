// SPDX-License-Identifier: Apache-2.0
//
// What a training is told. One list of named fields (train_options.cpp) serves the checkpoint, the check on resume and
// the messages, so that an option cannot be forgotten in one of them.
#pragma once
#include <algorithm>
#include <cstdint>
#include <string>

#include "core/data/dataset.h"
#include "core/executor/plan.h"
#include "core/tensor/precision.h"
#include "core/train/optimizer.h"
#include "core/train/parameter_groups.h"
#include "core/train/schedule.h"

namespace fovea {

struct TrainOptions {
  std::int64_t epochs = 1;  // in all, those before a resume included
  std::int64_t batch = 64;  // the last batch of an epoch is smaller when the data do not divide
  OptimizerOptions optimizer{.momentum = 0.9};
  std::uint64_t seed = 1;
  std::int64_t max_steps = -1;  // stop after this many steps in all; -1: never. Not part of the run's identity
  ScheduleOptions schedule{};
  ParameterGroupOptions groups{};
  double clip_norm = 0;   // of all gradients together; 0: not clipped. Goes before clip_value
  double clip_value = 0;  // of each gradient; 0: not clipped
  // Batches whose gradients make one step, which is that of one batch as large as all of them together, within rounding.
  // Batch norm sees each batch by itself, dropout draws for each by itself, and class weights are balanced within each.
  std::int64_t accumulate = 1;
  // Images that the device computes at once, in training and in evaluation: a larger batch is cut into pieces of so many
  // and a rest, and their gradients are added up as above. 0: a whole batch, and 256 in evaluation.
  std::int64_t micro_batch = 0;
  double ema = 0;            // decay of the weights' moving average; 0: none
  std::string init = {};     // how weights start for which the net asks nothing: core/graph/initialization.h
  std::string augment = {};  // random changes of the images: core/data/augment/augmentation.h
  Precision precision = Precision::fp32;  // of steps and evaluations; fp16 with a loss scale (loss_scaler.h)
  // Likewise. Layouts are part of the run's identity; fusion and copies, which change no bit, are not.
  PlanPasses passes{};
  // Not part of the run's identity: the same bytes are made by the host and by the device that trains.
  bool augment_on_device = false;
  // Nor is this: any number of threads makes the same batches (0: the caller makes them).
  int loader_threads = 1;
  Unreadable unreadable = Unreadable::fail;
  // Nor this: a step that the device has captured and replays has the bits of one that it is told call by call.
  bool capture = true;

  bool adds_up_gradients() const { return accumulate > 1 || (micro_batch > 0 && micro_batch < batch); }
  // Images of a batch that the device computes at once, at most.
  std::int64_t piece() const { return micro_batch > 0 ? micro_batch : batch; }
  std::int64_t evaluation_batch() const {
    return micro_batch > 0 ? std::min(micro_batch, largest_evaluation) : largest_evaluation;
  }

  static constexpr std::int64_t largest_evaluation = 256;
};

// Throws InputError naming the option, what was expected and what was given.
void validate(const TrainOptions& options);

// As a JSON object, every field by name: equal options give equal bytes.
std::string to_json(const TrainOptions& options);
// Throws InputError beginning with `where`: no JSON object, a field missing, unknown, of another type or out of range.
TrainOptions options_from_json(const std::string& text, const std::string& where);

// Throws InputError "PATH: cannot resume: batch was 64 in the checkpoint and is 32 now" for the first field in which a run
// that goes on differs. The number of epochs may change, unless the schedule depends on it.
void require_same_run(const TrainOptions& saved, const TrainOptions& now, const std::string& path);

}  // namespace fovea
