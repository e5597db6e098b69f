// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

#include "core/executor/plan.h"

namespace fovea {

// What decides how long a step takes on a device, as text: the engine, the operation with its options, what it fuses,
// and of every tensor its type, shape and layout; no name of the net. Steps with equal keys do equal work. "conv2d
// forward by native: out_channels = 8, kernel = 3, ...; training; in f32 [64, 1, 28, 28] nchw; out ...".
std::string step_key(const Graph& graph, const Plan& plan, const PlanStep& step);

}  // namespace fovea
