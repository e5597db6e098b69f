// SPDX-License-Identifier: Apache-2.0
#include "core/executor/layer_memory.h"

namespace fovea {

std::vector<LayerMemory> layer_memory(const Graph& graph, const ParameterLayout& parameters, const Plan& plan) {
  std::vector<LayerMemory> layers(graph.nodes().size());
  const auto of = [&](NodeId id) -> LayerMemory& { return layers[static_cast<std::size_t>(id)]; };
  for (const ParameterLayout::Entry& entry : parameters.entries) {
    const std::size_t bytes = static_cast<std::size_t>(entry.spec.shape.elements()) * size_of(DType::f32);
    of(entry.node).parameters += bytes;
    if (entry.trained && plan.options.training) of(entry.node).gradients += bytes;
    if (entry.spec.narrow && plan.options.kept_copies)
      of(entry.node).parameters += static_cast<std::size_t>(entry.spec.shape.elements()) * size_of(plan.options.dtype);
  }
  for (const PlanBuffer& buffer : plan.buffers) {
    // "conv1", "conv1.gradient", "conv1.workspace": a node's name has no dot.
    LayerMemory& layer = of(graph.find(std::string_view(buffer.name).substr(0, buffer.name.find('.'))));
    switch (buffer.role) {
      case BufferRole::input:
      case BufferRole::activation:
      case BufferRole::saved:
        layer.activations += buffer.bytes;
        break;
      case BufferRole::gradient:
        layer.gradients += buffer.bytes;
        break;
      case BufferRole::workspace:
        layer.workspace += buffer.bytes;
        break;
      case BufferRole::weight:
        layer.parameters += buffer.bytes;
        break;
    }
  }
  return layers;
}

}  // namespace fovea
