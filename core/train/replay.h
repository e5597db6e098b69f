// SPDX-License-Identifier: Apache-2.0
//
// One training step in a file, so that its trouble can be looked at again, elsewhere and later.
#pragma once
#include <string>
#include <vector>

#include "core/data/dataset.h"
#include "core/graph/graph.h"
#include "core/tensor/precision.h"

namespace fovea {

struct Replay {
  std::string net;                                           // write_net(graph)
  std::vector<std::pair<std::string, Tensor>> weights = {};  // and state, before the step; f32 host tensors by name
  Batch batch = {};                        // labels, or targets where samples were mixed: model_for() has the net
  std::vector<std::int64_t> samples = {};  // the batch's indices in the training data
  std::string data = {};                   // which data, for people
  std::uint64_t seed = 0;
  std::int64_t step = 0;         // steps done before
  std::int64_t random_step = 0;  // Executor::set_random
  Precision precision = Precision::fp32;
  bool layouts = true;      // PlanPasses::layouts; fusion changes no layer by itself
  double loss_scale = 1;    // Executor::set_loss_scale
  std::string inject = {};  // a layer whose output got a NaN (Executor::inject); empty: none
};

void write_replay(const std::string& path, const Replay& replay);
// Throws InputError: not a replay, damaged, a field that does not fit.
Replay read_replay(const std::string& path);

}  // namespace fovea
