// SPDX-License-Identifier: Apache-2.0
#include "core/executor/plan_needs.h"

#include <algorithm>

#include "core/support/error.h"

namespace fovea {

PlanNeeds find_needs(const Graph& graph, const ParameterLayout& parameters, const PlanOptions& options) {
  const auto at = [](NodeId id) { return static_cast<std::size_t>(id); };
  const std::size_t count = graph.nodes().size();
  require(options.batch >= 1, [&] { return "batch: expected at least 1, got " + std::to_string(options.batch); });
  require(options.target >= 0 && at(options.target) < count, [&] {
    return "plan: target " + std::to_string(options.target) + " is not a node of net '" + graph.name() + "'";
  });
  PlanNeeds needs{std::vector<bool>(count), std::vector<bool>(count), std::vector<int>(count)};
  needs.needed[at(options.target)] = true;
  for (NodeId id = options.target; id >= 0; --id)
    if (needs.needed[at(id)])
      for (const NodeId input : graph.node(id).inputs) needs.needed[at(input)] = true, ++needs.readers[at(input)];

  std::vector<bool> trained(count);
  for (const ParameterLayout::Entry& entry : parameters.entries)
    if (entry.trained) trained[at(entry.node)] = true;
  for (std::size_t id = 0; id < count; ++id) {
    const Node& node = graph.nodes()[id];
    const auto wanted = [&](NodeId input) { return needs.wants_gradient[at(input)]; };
    needs.wants_gradient[id] = node.layer ? trained[id] || std::ranges::any_of(node.inputs, wanted)
                                          : options.input_gradient && node.dtype == DType::f32;
  }
  return needs;
}

bool must_stay(const Graph& graph, const PlanOptions& options, NodeId id) {
  return id == options.target || std::ranges::find(options.keep, id) != options.keep.end() ||
         (options.training && graph.node(id).layer->backward_reads().output);
}

}  // namespace fovea
