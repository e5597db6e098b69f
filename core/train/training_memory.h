// SPDX-License-Identifier: Apache-2.0
//
// What a training asks of its device's memory: planned and added up before anything is allocated. What engines and
// drivers keep for themselves is not in it; nor is, where the device's memory is the host's, what else the process
// holds there: data, batches that wait, a checkpoint while it is written.
#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/executor/layer_memory.h"
#include "core/train/train_options.h"

namespace fovea {

// The sets of images that a run goes through.
struct TrainingSets {
  std::int64_t training = 0;                 // images
  std::vector<std::int64_t> evaluated = {};  // images of each set that is evaluated while the trainer lives
  bool keeps_best = false;                   // at the end, the best epoch's weights are loaded beside the last ones
};

struct TrainingMemory {
  std::vector<std::pair<std::string, std::size_t>> parts = {};  // all that may live at once, by name
  std::int64_t piece = 0;                                       // images of a step's largest piece
  std::vector<LayerMemory> layers = {};                         // then, by node of training_model()
  std::size_t arena = 0;  // of one of the parts: what steps and evaluations compute in, one after the other
  std::size_t total() const;
};

// The numbers of images that the device computes at once in such a training, each once, the largest first.
std::vector<std::int64_t> piece_sizes(std::int64_t images, const TrainOptions& options);

// Throws InputError: a batch that a layer cannot train on, such as the smaller last one; groups that match nothing; a
// device or engine that has not the precision, and which ones have it.
TrainingMemory plan_memory(const Model& model, Backend& backend, const TrainOptions& options, const TrainingSets& sets);

// The largest batch, and the largest micro-batch of the batch in `options`, whose plan stays within `limit` bytes; 0
// where none does.
std::int64_t largest_batch(const Model& model, Backend& backend, TrainOptions options, const TrainingSets& sets,
                           std::size_t limit);
std::int64_t largest_micro_batch(const Model& model, Backend& backend, TrainOptions options, const TrainingSets& sets,
                                 std::size_t limit);
// What to take: as few pieces as the largest micro-batch needs, but of one size as nearly as they can be; 0 where nothing
// fits.
std::int64_t best_micro_batch(const Model& model, Backend& backend, TrainOptions options, const TrainingSets& sets,
                              std::size_t limit);

}  // namespace fovea
