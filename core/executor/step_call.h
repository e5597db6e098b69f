// SPDX-License-Identifier: Apache-2.0
//
// What a step of a plan calls, wherever its tensors lie: an executor runs it, a dry device counts it.
#pragma once
#include <string>

#include "core/executor/plan.h"

namespace fovea {

// Where steps find their tensors.
class StepMemory {
 public:
  virtual ~StepMemory() = default;
  // Without data, but with its shape, for no_buffer: a layer may ask for the extents of what it does not read.
  virtual View view(const BufferUse& use) = 0;
  // By index into ParameterLayout::entries: a parameter or state, and a parameter's gradient.
  virtual View weight(std::size_t entry) = 0;
  // A parameter's 16-bit copy beside the weights, in plans with PlanOptions::kept_copies.
  virtual View kept_copy(std::size_t entry) = 0;
  virtual View gradient(std::size_t entry) = 0;
};

// Calls the operations of a step on its engine. The seed has none: its number is the executor's to write.
void call_step(const Graph& graph, const Plan& plan, const PlanStep& step, StepMemory& memory, RandomKey random);

// What the step calls: "conv2d", forward or backward; of the planner's own steps "seed", "add", "convert_layout", "cast".
std::string op_name(const Graph& graph, const PlanStep& step);

// What profilers call the step: "conv1 forward", "norm1+relu1 forward", "pool1+relu1 backward", "conv1 layout", "conv1
// cast", "loss seed"; "conv1 sum" adds a part to a gradient.
std::string range_name(const Graph& graph, const PlanStep& step);

}  // namespace fovea
