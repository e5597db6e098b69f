// SPDX-License-Identifier: Apache-2.0
#include "core/executor/plan_fusion.h"

#include "core/executor/plan_engine.h"
#include "core/support/error.h"

namespace fovea {
namespace {

bool applies_relu(Backend& backend, const Node& node, DType dtype) {
  try {
    return choose_engine(backend, node, Direction::forward, dtype).ops->fuses_relu(node.layer->op());
  } catch (const InputError&) {
    return false;  // the layer has no engine; its own step says so, so that the first such layer is named
  }
}

}  // namespace

std::vector<NodeId> find_fused_relus(const Graph& graph, const PlanNeeds& needs, Backend& backend,
                                     const PlanOptions& options) {
  const auto at = [](NodeId id) { return static_cast<std::size_t>(id); };
  std::vector<NodeId> fused(graph.nodes().size(), -1);
  for (std::size_t id = 0; id < graph.nodes().size(); ++id) {
    const Node& node = graph.nodes()[id];
    if (!needs.needed[id] || !node.layer || node.layer->op() != "relu") continue;
    const NodeId from = node.inputs[0];
    const Node& producer = graph.node(from);
    if (!producer.layer || producer.layer->is_view(options.phase()) || !producer.layer->can_fuse_relu()) continue;
    if (needs.readers[at(from)] != 1 || must_stay(graph, options, from)) continue;
    if (applies_relu(backend, producer, options.dtype)) fused[at(from)] = static_cast<NodeId>(id);
  }
  return fused;
}

}  // namespace fovea
