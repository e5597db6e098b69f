// SPDX-License-Identifier: Apache-2.0
//
// The pass of a plan that lets an operation apply the ReLU behind it, which saves a pass over memory and a launch.
#pragma once
#include <vector>

#include "core/backend/backend.h"
#include "core/executor/plan.h"
#include "core/executor/plan_needs.h"

namespace fovea {

// By node: the ReLU that its operation applies on the way, or -1. It is the value's only reader, the value itself need
// not stay, and the engine that runs the operation can do it (LayoutOps::fuses_relu).
std::vector<NodeId> find_fused_relus(const Graph& graph, const PlanNeeds& needs, Backend& backend,
                                     const PlanOptions& options);

}  // namespace fovea
