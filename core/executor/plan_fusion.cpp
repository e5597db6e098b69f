// SPDX-License-Identifier: Apache-2.0
#include "core/executor/plan_fusion.h"

#include <algorithm>

#include "core/executor/plan_engine.h"
#include "core/support/error.h"

namespace fovea {
namespace {

std::size_t at(NodeId id) { return static_cast<std::size_t>(id); }

// Whether the engine that runs the node in that direction claims the form with a ReLU.
bool fuses(Backend& backend, const Node& node, Direction direction, DType dtype) {
  try {
    const Ops& engine = *choose_engine(backend, node, direction, dtype).ops;
    const std::string_view op = node.layer->op();
    return direction == Direction::forward ? engine.fuses_relu(op, dtype) : engine.fuses_relu_backward(op);
  } catch (const InputError&) {
    return false;  // the layer has no engine; its own step says so, so that the first such layer is named
  }
}

// -1 unless it is the only one, and reads the value once.
NodeId only_reader(const Graph& graph, const PlanNeeds& needs, NodeId id) {
  if (needs.readers[at(id)] != 1) return -1;
  for (NodeId reader = id + 1; reader < static_cast<NodeId>(graph.nodes().size()); ++reader)
    if (needs.needed[at(reader)] && std::ranges::find(graph.node(reader).inputs, id) != graph.node(reader).inputs.end())
      return reader;
  return -1;
}

bool is_view(const Graph& graph, const PlanOptions& options, NodeId id) {
  return graph.node(id).layer && graph.node(id).layer->is_view(options.phase());
}

}  // namespace

std::vector<NodeId> find_fused_relus(const Graph& graph, const PlanNeeds& needs, Backend& backend,
                                     const PlanOptions& options) {
  std::vector<NodeId> fused(graph.nodes().size(), -1);
  if (!options.merge_values()) return fused;
  for (std::size_t id = 0; id < graph.nodes().size(); ++id) {
    const Node& node = graph.nodes()[id];
    if (!needs.needed[id] || !node.layer || node.layer->op() != "relu") continue;
    const NodeId from = node.inputs[0];
    const Node& producer = graph.node(from);
    if (!producer.layer || is_view(graph, options, from) || !producer.layer->can_fuse_relu()) continue;
    if (needs.readers[at(from)] != 1 || must_stay(graph, options, from)) continue;
    if (fuses(backend, producer, Direction::forward, options.dtype)) fused[at(from)] = static_cast<NodeId>(id);
  }
  return fused;
}

std::vector<NodeId> find_fused_relu_gradients(const Graph& graph, const PlanNeeds& needs, Backend& backend,
                                              const PlanOptions& options) {
  std::vector<NodeId> fused(graph.nodes().size(), -1);
  if (!options.merge_values() || !options.training) return fused;
  for (std::size_t id = 0; id < graph.nodes().size(); ++id) {
    const Node& node = graph.nodes()[id];
    if (!needs.needed[id] || !needs.wants_gradient[id] || !node.layer || node.layer->op() != "relu") continue;
    const NodeId from = node.inputs[0];
    if (needs.readers[at(from)] != 1 || is_view(graph, options, from)) continue;
    NodeId to = only_reader(graph, needs, static_cast<NodeId>(id));
    while (to >= 0 && is_view(graph, options, to)) to = only_reader(graph, needs, to);
    if (to < 0) continue;
    const Node& reader = graph.node(to);
    if (reader.inputs.size() != 1 || !reader.layer->can_fuse_relu_backward()) continue;
    if (fuses(backend, reader, Direction::backward, options.dtype)) fused[at(to)] = static_cast<NodeId>(id);
  }
  return fused;
}

}  // namespace fovea
