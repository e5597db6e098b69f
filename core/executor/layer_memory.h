// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <vector>

#include "core/executor/plan.h"

namespace fovea {

// A layer's bytes in a pass. Those in the plan's arena lie where others lay before, as soon as nobody reads these any
// more: all layers together are more than the arena.
struct LayerMemory {
  std::size_t parameters = 0;   // weights, their 16-bit copies and state
  std::size_t activations = 0;  // its output, also in further layouts, and what it keeps for backward
  std::size_t gradients = 0;    // of its parameters and of its output
  std::size_t workspace = 0;

  std::size_t total() const { return parameters + activations + gradients + workspace; }
};

// By node, inputs included. What shares its input's bytes has none of its own.
std::vector<LayerMemory> layer_memory(const Graph& graph, const ParameterLayout& parameters, const Plan& plan);

}  // namespace fovea
