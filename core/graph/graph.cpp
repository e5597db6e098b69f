// SPDX-License-Identifier: Apache-2.0
#include "core/graph/graph.h"

#include <fmt/core.h>

#include <algorithm>

#include "core/layers/flatten.h"
#include "core/layers/one_hot.h"
#include "core/layers/soft_cross_entropy.h"
#include "core/layers/softmax_cross_entropy.h"
#include "core/support/did_you_mean.h"
#include "core/support/error.h"

namespace fovea {
namespace {

bool valid_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 && std::ranges::all_of(name, [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

}  // namespace

NodeId Graph::find(std::string_view name) const {
  for (std::size_t i = 0; i < nodes_.size(); ++i)
    if (nodes_[i].name == name) return static_cast<NodeId>(i);
  std::vector<std::string> names;
  for (const Node& n : nodes_) names.push_back(n.name);
  throw InputError("net '" + name_ + "' has no layer '" + std::string(name) + "'" + did_you_mean(name, names));
}

NodeId Graph::input(std::string name, Shape sample_shape, DType dtype) {
  require(valid_name(name),
          [&] { return "input '" + name + "': expected a name of 1 to 64 letters, digits, '_' or '-'"; });
  require(std::ranges::none_of(nodes_, [&](const Node& n) { return n.name == name; }),
          [&] { return "input '" + name + "': another node has this name"; });
  const Shape one = sample_shape.with_batch(1);
  require(one.elements() >= 1,
          [&] { return "input '" + name + "': expected extents of at least 1, got " + sample_shape.to_string(); });
  nodes_.push_back({.name = std::move(name),
                    .layer = nullptr,
                    .inputs = {},
                    .init = {},
                    .engine = {},
                    .sample_shape = sample_shape,
                    .dtype = dtype});
  shapes_for_one_.push_back(one);
  return static_cast<NodeId>(nodes_.size()) - 1;
}

NodeId Graph::add(std::string name, std::shared_ptr<const Layer> layer, std::vector<NodeId> inputs,
                  std::string engine) {
  const auto fail = [&](const std::string& what) -> InputError { return InputError("layer '" + name + "': " + what); };
  if (!valid_name(name)) throw fail("expected a name of 1 to 64 letters, digits, '_' or '-'");
  if (std::ranges::any_of(nodes_, [&](const Node& n) { return n.name == name; }))
    throw fail("another node has this name");
  if (!layer) throw fail("no layer was given");
  const int expected = layer->input_count();
  if (expected == Layer::any_number ? inputs.empty() : static_cast<int>(inputs.size()) != expected)
    throw fail(std::string(layer->type()) + " expects " +
               (expected == Layer::any_number ? std::string("at least one") : std::to_string(expected)) +
               " input(s), got " + std::to_string(inputs.size()));
  std::vector<Shape> input_shapes;
  for (const NodeId id : inputs) {
    if (id < 0 || id >= static_cast<NodeId>(nodes_.size())) throw fail("its input is not a node of this graph");
    input_shapes.push_back(shapes_for_one_[static_cast<std::size_t>(id)]);
  }
  try {
    shapes_for_one_.push_back(layer->output_shape(input_shapes));
  } catch (const InputError& e) {
    throw fail(e.what());
  }
  nodes_.push_back({.name = std::move(name),
                    .layer = std::move(layer),
                    .inputs = std::move(inputs),
                    .init = {},
                    .engine = std::move(engine),
                    .sample_shape = {},
                    .dtype = DType::f32});
  return static_cast<NodeId>(nodes_.size()) - 1;
}

void Graph::set_init(NodeId id, const Initialization& init) {
  Node& node = nodes_.at(static_cast<std::size_t>(id));
  validate(init);
  std::vector<Shape> inputs;
  for (const NodeId input : node.inputs) inputs.push_back(shapes_for_one_[static_cast<std::size_t>(input)]);
  const std::vector<ParameterSpec> parameters =
      node.layer ? node.layer->parameters(inputs) : std::vector<ParameterSpec>{};
  require(init.kind == InitKind::layer_default || !parameters.empty(),
          [&] { return "init: expected a layer with weights to draw, '" + node.name + "' has none"; });
  if (!parameters.empty()) require_suits(init, parameters[0]);
  node.init = init;
}

void Graph::set_loss(std::shared_ptr<const Layer> loss, OneHotOptions targets) {
  loss_ = std::move(loss);
  loss_targets_ = targets;
}

std::vector<Shape> Graph::shapes(std::int64_t n) const {
  std::vector<Shape> result;
  std::vector<Shape> inputs;
  for (const Node& node : nodes_) {
    if (!node.layer) {
      result.push_back(node.sample_shape.with_batch(n));
      continue;
    }
    inputs.clear();
    for (const NodeId id : node.inputs) inputs.push_back(result[static_cast<std::size_t>(id)]);
    result.push_back(node.layer->output_shape(inputs));
  }
  return result;
}

Model make_classifier(Graph graph) {
  Model model;
  require(!graph.nodes().empty() && !graph.nodes().front().layer,
          [&] { return "net '" + graph.name() + "': expected an input as its first node"; });
  model.image = 0;
  model.logits = static_cast<NodeId>(graph.nodes().size()) - 1;
  const Shape logits = graph.shapes(1).back();
  require(graph.nodes().back().layer && logits.rank() >= 2, [&] {
    return "net '" + graph.name() + "': expected its last layer to give logits [N, classes], got " + logits.to_string();
  });
  const std::shared_ptr<const Layer> loss = graph.loss() ? graph.loss() : std::make_shared<const SoftmaxCrossEntropy>();
  model.label = graph.input("label", logits.without_batch().without_batch(), DType::i32);
  NodeId target = model.label;
  if (loss->input_dtype(1) == DType::f32) {
    OneHotOptions one_hot = graph.loss_targets();
    one_hot.classes = logits[1];
    target = graph.add("target", OneHot(one_hot), model.label);
  }
  model.loss = graph.add("loss", loss, {model.logits, target});
  model.graph = std::move(graph);
  return model;
}

Model with_soft_targets(const Model& model) {
  const std::shared_ptr<const Layer> own = model.graph.node(model.loss).layer;
  std::shared_ptr<const Layer> loss = own;
  if (const auto* hard = dynamic_cast<const SoftmaxCrossEntropy*>(own.get()))
    loss = std::make_shared<const SoftCrossEntropy>(hard->options());
  require(loss->type() == "soft_cross_entropy", [&] {
    return fmt::format(
        "net '{}' has the loss {}, which takes one label for each sample; expected softmax_cross_entropy "
        "or soft_cross_entropy",
        model.graph.name(), own->type());
  });
  Graph graph(model.graph.name());
  for (NodeId id = 0; id <= model.logits; ++id) {
    const Node& node = model.graph.node(id);
    if (node.layer)
      graph.add(node.name, node.layer, node.inputs, node.engine);
    else
      graph.input(node.name, node.sample_shape, node.dtype);
  }
  Model soft{.graph = {}, .image = model.image, .label = -1, .logits = model.logits, .loss = -1};
  const Shape logits = graph.shapes(1)[static_cast<std::size_t>(model.logits)];
  require(logits.rank() == 2, [&] {
    return fmt::format("net '{}' tells classes apart at every position; expected one label for each sample",
                       model.graph.name());
  });
  soft.label = graph.input("label", logits.without_batch());
  NodeId target = soft.label;
  // One node for another, since parameters are found by the number of their node.
  if (model.loss > target + 1) target = graph.add("target", Flatten(), target);
  soft.loss = graph.add("loss", loss, {model.logits, target});
  graph.set_loss(model.graph.loss(), model.graph.loss_targets());
  soft.graph = std::move(graph);
  return soft;
}

}  // namespace fovea
