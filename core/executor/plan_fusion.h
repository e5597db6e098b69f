// SPDX-License-Identifier: Apache-2.0
//
// The passes of a plan that let an operation apply the ReLU behind it, and its backward that of the ReLU before it. Each
// saves a pass over memory and a launch.
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

// By node: the ReLU before it whose backward its own applies to the gradient that it leaves, or -1. Between the two are
// views at most. The ReLU's value has no other reader, whose part of the gradient would have to be added first; nor has
// the ReLU's input, whose parts would be added in another order. The engine can do it (LayoutOps::fuses_relu_backward).
// What the node reads is the ReLU's value, which stays for backward in any case.
std::vector<NodeId> find_fused_relu_gradients(const Graph& graph, const PlanNeeds& needs, Backend& backend,
                                              const PlanOptions& options);

}  // namespace fovea
