// SPDX-License-Identifier: Apache-2.0
//
// A training state in one safetensors file: the weights and the layers' state by their names, "optimizer/SLOT/NAME" for
// what the optimizer remembers, "average/NAME" for the moving average. Identical runs write identical bytes: no times,
// paths or host names.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "core/backend/backend.h"
#include "core/data/dataset.h"
#include "core/executor/parameters.h"
#include "core/graph/graph.h"
#include "core/train/loss_scaler.h"
#include "core/train/train_options.h"

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
  TrainOptions options;
  std::string data;                     // "kind samples classes", for a clear error on other data
  std::string device;                   // Backend::name() of the last step; empty in files of before
  EnginePicks engines;                  // Backend::picked_engines() of the steps; empty but with engine "auto"
  std::optional<PlateauState> plateau;  // of the schedule of that name
  std::optional<LossScale> loss_scale;  // with precision fp16
  // By parameter name, f32 host tensors. `state` is what layers keep without training it: running statistics.
  using Tensors = std::vector<std::pair<std::string, Tensor>>;
  Tensors weights, state;
  std::vector<std::pair<std::string, Tensors>> slots;  // what the optimizer remembers of the weights: "momentum", ...
  Tensors average;                                     // of weights and state, in this order; empty without --ema
};

void write_checkpoint(const std::string& path, const Checkpoint& checkpoint);
// Throws InputError: not a checkpoint, damaged (checksum), another format version.
Checkpoint read_checkpoint(const std::string& path);

// With engine "auto" a run goes on with the engines that it was begun with, whatever would be measured now: has
// `backend` take those of a checkpoint that was made with "auto", and returns true. Returns false, having done nothing,
// when the checkpoint was made otherwise or the device measures nothing. Throws InputError naming `path` and the layer
// for an engine that the device does not choose among here.
bool use_engines_of(const Checkpoint& checkpoint, const std::string& path, Backend& backend);

// Copies the weights into `arena`. Throws InputError listing every tensor that is missing, left over or of another
// shape.
void load_weights(const Checkpoint& checkpoint, const std::string& path, ParameterArena& arena);
// The same with what the run evaluates: the moving average where there is one.
void load_evaluation_weights(const Checkpoint& checkpoint, const std::string& path, ParameterArena& arena);

}  // namespace fovea
