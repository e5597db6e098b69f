// SPDX-License-Identifier: Apache-2.0
#include "core/executor/summary.h"

#include <algorithm>
#include <cmath>

namespace fovea {
namespace {

// A node's receptive field and the distance, in input elements, between the fields of neighbouring output elements;
// below 1 where outputs lie closer than inputs.
struct Reach {
  std::int64_t h = 1, w = 1;
  double step_h = 1, step_w = 1;
  bool whole_input = false;
};

// A window of `extent` neighbours, `step` input elements apart, each seeing `seen` of them; at most all `size`.
std::int64_t widened(std::int64_t seen, std::int64_t extent, double step, std::int64_t size) {
  if (extent > 1 && step >= static_cast<double>(size)) return size;
  // Neighbours less than 1 apart may see the same element; the rounding of 1/3 is no element.
  const double further = std::ceil(static_cast<double>(extent - 1) * step - 1e-9);
  return further >= static_cast<double>(size) ? size : std::min(size, seen + static_cast<std::int64_t>(further));
}

Reach reach_of(const Node& node, const std::vector<Reach>& reach, const Shape& sample) {
  // A sequence [C, L] is an image of one row.
  const int rank = sample.rank();
  const std::int64_t size_h = rank == 3 ? sample[1] : 1, size_w = rank > 1 ? sample[rank - 1] : 1;
  const ReceptiveWindow window = node.layer->window();
  // Beyond the input's size the step no longer matters.
  const auto stepped = [](double step, std::int64_t stride, std::int64_t magnification, std::int64_t size) {
    return std::min(static_cast<double>(size), step * static_cast<double>(stride) / static_cast<double>(magnification));
  };
  Reach out{.step_h = 0, .step_w = 0};
  for (const NodeId input : node.inputs) {
    const Reach& in = reach[static_cast<std::size_t>(input)];
    out.h = std::max(out.h, widened(in.h, window.extent.h, in.step_h, size_h));
    out.w = std::max(out.w, widened(in.w, window.extent.w, in.step_w, size_w));
    out.step_h = std::max(out.step_h, stepped(in.step_h, window.stride.h, window.magnification.h, size_h));
    out.step_w = std::max(out.step_w, stepped(in.step_w, window.stride.w, window.magnification.w, size_w));
    out.whole_input = out.whole_input || in.whole_input;
  }
  out.whole_input = out.whole_input || window.whole_input;
  if (out.whole_input) out.h = size_h, out.w = size_w;
  return out;
}

}  // namespace

NetSummary summarise(const Model& model, Backend& backend, std::int64_t batch, Precision precision, PlanPasses passes) {
  const Graph& graph = model.graph;
  const ParameterLayout layout = ParameterLayout::of(graph);
  const DType stored = storage_of(precision);
  PlanOptions options{.batch = batch, .target = model.logits, .dtype = stored, .passes = passes};
  const Plan inference = make_plan(graph, layout, backend, options);
  options.training = true;
  options.target = model.loss;
  options.kept_copies = passes.keep_copies(true, stored);
  const Plan training = make_plan(graph, layout, backend, options);

  NetSummary s;
  s.name = graph.name();
  s.sample_shape = model.sample_shape();
  s.batch = batch;
  s.parameters = layout.parameters;
  s.weight_bytes = static_cast<std::size_t>(layout.elements) * sizeof(float);
  s.inference_bytes = s.weight_bytes + inference.arena_bytes;
  s.training_bytes = 3 * s.weight_bytes + training.arena_bytes;
  if (options.kept_copies) s.training_bytes += ParameterArena::copy_bytes(layout, stored);

  const std::vector<Shape> one = graph.shapes(1), all = graph.shapes(batch);
  std::vector<Reach> reach(graph.nodes().size());
  for (NodeId id = 0; id <= model.logits; ++id) {
    const Node& node = graph.node(id);
    const std::size_t i = static_cast<std::size_t>(id);
    if (node.layer == nullptr) continue;
    LayerSummary layer;
    layer.name = node.name;
    layer.type = node.layer->type();
    layer.output = all[i];
    std::vector<Shape> inputs;
    for (const NodeId input : node.inputs) {
      layer.inputs.push_back(graph.node(input).name);
      inputs.push_back(one[static_cast<std::size_t>(input)]);
    }
    for (const ParameterSpec& parameter : node.layer->parameters(inputs))
      layer.parameters += parameter.shape.elements();
    layer.macs = node.layer->macs(inputs);
    if (!node.layer->is_view(Phase::inference))
      layer.activation_bytes =
          static_cast<std::size_t>(all[i].elements()) * size_of(node.layer->wide_output() ? DType::f32 : stored);
    reach[i] = reach_of(node, reach, s.sample_shape);
    layer.receptive_field = {reach[i].h, reach[i].w, reach[i].whole_input};
    s.macs += layer.macs;
    s.activation_bytes += layer.activation_bytes;
    s.layers.push_back(std::move(layer));
  }
  return s;
}

}  // namespace fovea
