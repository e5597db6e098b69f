// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "core/executor/plan.h"

namespace fovea::cli {

// What a step of a plan is, and the work that it does.
struct StepRow {
  std::string layer, direction;      // "conv1", "forward" or "backward"; the optimizer: "optimizer", "update"
  std::string op, engine;            // "conv2d", "native"; no engine writes the seed
  std::string range;                 // as profilers name it (core/executor/step_call.h)
  DType dtype = DType::f32;          // of what it leaves: the output, or the first gradient that it makes
  Layout layout = Layout::nchw;      // likewise
  std::int64_t bytes = 0;            // read and written (cli/bench_bytes.h)
  std::int64_t flops = 0;            // 2 for each multiply-accumulate
  std::vector<std::string> fused{};  // layers that it computes on the way
  StepKind kind = StepKind::forward;
  std::int64_t launches = 0;  // for the caller to fill in
};

// The steps of a plan in order and, in training, SGD with momentum behind them. Forward a layer computes its
// multiply-accumulates once; backward as many for the gradient of its inputs, where the plan has it, and as many for that
// of its parameters.
std::vector<StepRow> step_rows(const Graph& graph, const ParameterLayout& layout, const Plan& plan, Backend& backend);

}  // namespace fovea::cli
