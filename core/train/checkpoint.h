// SPDX-License-Identifier: Apache-2.0
//
// A training state in one safetensors file. Identical runs write identical bytes: no times, paths or host names.
#pragma once
#include <string>
#include <vector>

#include "core/data/dataset.h"
#include "core/executor/parameters.h"
#include "core/graph/graph.h"

namespace fovea {

struct Checkpoint {
  std::string net;  // write_net(graph)
  Shape sample_shape;
  std::vector<std::string> class_names;
  Normalization normalization;
  // Position of the run.
  std::int64_t step = 0;                              // steps done in all
  std::int64_t epoch = 0;                             // epochs completed
  std::int64_t epoch_samples = 0, epoch_correct = 0;  // so far in the unfinished epoch
  double epoch_loss = 0;                              // sum over its samples
  // The options that must not change on resume.
  std::uint64_t seed = 0;
  std::int64_t batch = 0;
  float learning_rate = 0, momentum = 0, weight_decay = 0;
  bool nesterov = false;
  std::string data;  // "kind samples classes", for a clear error on other data
  // By parameter name, f32 host tensors. `state` is what layers keep without training it: running statistics.
  std::vector<std::pair<std::string, Tensor>> weights, momenta, state;
};

void write_checkpoint(const std::string& path, const Checkpoint& checkpoint);
// Throws InputError: not a checkpoint, damaged (checksum), another format version.
Checkpoint read_checkpoint(const std::string& path);

// Copies the weights into `arena`. Throws InputError listing every tensor that is missing, left over or of another
// shape.
void load_weights(const Checkpoint& checkpoint, const std::string& path, ParameterArena& arena);

}  // namespace fovea
