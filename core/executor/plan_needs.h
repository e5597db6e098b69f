// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <vector>

#include "core/executor/plan.h"

namespace fovea {

// What a plan has to compute, by node.
struct PlanNeeds {
  std::vector<bool> needed;          // ancestors of the target, and the target
  std::vector<bool> wants_gradient;  // through which a gradient must flow
  std::vector<int> readers;          // needed nodes that read it
};
// Throws InputError: batch < 1, a target that is no node.
PlanNeeds find_needs(const Graph& graph, const ParameterLayout& parameters, const PlanOptions& options);

// The caller will read the node's output, or backward will: it must stay as the layer left it.
bool must_stay(const Graph& graph, const PlanOptions& options, NodeId id);

}  // namespace fovea
