// SPDX-License-Identifier: Apache-2.0
#include "core/executor/parameters.h"

#include <algorithm>
#include <cmath>

#include "core/support/error.h"
#include "core/support/philox.h"

namespace fovea {

namespace {
constexpr std::int64_t arena_alignment = 64;  // elements: 256 bytes of f32, for vector loads
}

ParameterLayout ParameterLayout::of(const Graph& graph) {
  ParameterLayout layout;
  const std::vector<Shape> shapes = graph.shapes(1);
  const auto append = [&](bool trained) {
    for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
      const Node& node = graph.nodes()[i];
      if (!node.layer) continue;
      std::vector<Shape> inputs;
      for (const NodeId id : node.inputs) inputs.push_back(shapes[static_cast<std::size_t>(id)]);
      for (ParameterSpec& spec : trained ? node.layer->parameters(inputs) : node.layer->state(inputs)) {
        const std::int64_t elements = spec.shape.elements();
        spec.init = node.init;
        layout.entries.push_back(
            {node.name + "." + spec.name, static_cast<NodeId>(i), std::move(spec), layout.elements, trained});
        if (trained) layout.parameters += elements;
        layout.elements += (elements + arena_alignment - 1) / arena_alignment * arena_alignment;
      }
    }
  };
  append(true);
  layout.trained_elements = layout.elements;
  append(false);
  return layout;
}

ParameterArena::ParameterArena(ParameterLayout layout, std::shared_ptr<Memory> memory, DType dtype, DType copied)
    : layout_(std::move(layout)), arena_(Tensor::zeros(Shape{layout_.elements}, dtype, std::move(memory))) {
  if (is_16_bit(copied)) copy_ = Tensor::zeros(Shape{layout_.trained_elements}, copied, arena_.memory());
}

std::size_t ParameterArena::copy_bytes(const ParameterLayout& layout, DType copied) {
  return is_16_bit(copied) ? static_cast<std::size_t>(layout.trained_elements) * size_of(copied) : 0;
}

View ParameterArena::trained() {
  View view = arena_.view();
  view.shape = Shape{layout_.trained_elements};
  return view;
}

View ParameterArena::copy() { return copy_.empty() ? View() : copy_.view(); }

View ParameterArena::copy_entry(std::size_t i) {
  const ParameterLayout::Entry& e = layout_.entries.at(i);
  View view = copy();
  if (!view || !e.trained) return {};
  view.data = static_cast<char*>(view.data) + static_cast<std::size_t>(e.offset) * size_of(view.dtype);
  view.shape = e.spec.shape;
  return view;
}

View ParameterArena::state() {
  View view = arena_.view();
  if (layout_.elements == layout_.trained_elements) return {};
  view.data = static_cast<char*>(view.data) + static_cast<std::size_t>(layout_.trained_elements) * size_of(view.dtype);
  view.shape = Shape{layout_.elements - layout_.trained_elements};
  return view;
}

View ParameterArena::entry(std::size_t i) {
  const ParameterLayout::Entry& e = layout_.entries.at(i);
  View view = arena_.view();
  view.data = static_cast<char*>(view.data) + static_cast<std::size_t>(e.offset) * size_of(view.dtype);
  view.shape = e.spec.shape;
  return view;
}

ConstView ParameterArena::entry(std::size_t i) const { return const_cast<ParameterArena*>(this)->entry(i); }

Tensor ParameterArena::get(std::size_t i) const {
  const ConstView view = entry(i);
  Tensor host(view.shape, view.dtype);
  arena_.memory()->copy_to_host(host.view().data, view.data, view.bytes());
  return host;
}

void ParameterArena::set(std::size_t i, const Tensor& host) {
  const View view = entry(i);
  require(host.shape() == view.shape, [&] {
    return "parameter '" + layout_.entries[i].name + "': expected shape " + view.shape.to_string() + ", got " +
           host.shape().to_string();
  });
  const Tensor converted = host.converted(view.dtype);
  arena_.memory()->copy_from_host(view.data, converted.view().data, view.bytes());
  const View copy = copy_entry(i);
  if (!copy) return;
  const Tensor rounded = converted.converted(copy.dtype);
  arena_.memory()->copy_from_host(copy.data, rounded.view().data, copy.bytes());
}

Tensor initial_values(const ParameterSpec& spec) {
  Tensor values = Tensor::zeros(spec.shape);
  if (spec.initializer != Initializer::constant) return values;
  for (std::size_t k = 0; k < values.span<float>().size(); ++k)
    values.span<float>()[k] = static_cast<float>(spec.constant.at(spec.constant.size() == 1 ? 0 : k));
  return values;
}

void initialise(ParameterArena& arena, std::uint64_t seed, const Initialization& init) {
  const std::vector<ParameterLayout::Entry>& entries = arena.layout().entries;
  const auto is_drawn = [&](std::size_t i) { return entries[i].spec.initializer == Initializer::kaiming_uniform; };
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const ParameterSpec& spec = entries[i].spec;
    const Initialization& own = spec.init.kind != InitKind::layer_default ? spec.init : init;
    const bool asked = own.kind != InitKind::layer_default;
    const bool is_bias = i > 0 && entries[i - 1].node == entries[i].node && is_drawn(i - 1);
    RandomStream random(seed, RandomPurpose::initialise, i);
    Tensor values = initial_values(spec);
    if (is_drawn(i) && asked) {
      values = initial_weights(own, spec, random);
    } else if (is_drawn(i)) {
      const float bound = static_cast<float>(std::sqrt(1.0 / static_cast<double>(spec.fan_in)));
      for (float& value : values.span<float>()) value = random.uniform(-bound, bound);
    } else if (is_bias && asked) {
      std::ranges::fill(values.span<float>(), static_cast<float>(own.bias));
    }
    arena.set(i, values);
  }
}

}  // namespace fovea
