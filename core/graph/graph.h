// SPDX-License-Identifier: Apache-2.0
//
// A net as a directed acyclic graph of named nodes. A node is an input or a layer; its one output is named like it.
// Nodes are appended after the nodes they read, so insertion order is a topological order and cycles cannot be built.
#pragma once
#include <concepts>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/graph/layer.h"
#include "core/ops/one_hot.h"

namespace fovea {

using NodeId = int;

struct Node {
  std::string name;
  std::shared_ptr<const Layer> layer;  // null for an input
  std::vector<NodeId> inputs;
  Initialization init;  // how its weights start
  std::string engine;   // insists on an engine ("native", "library"); empty lets the backend choose
  // Inputs only: one sample's shape and dtype.
  Shape sample_shape;
  DType dtype = DType::f32;
};

class Graph {
 public:
  Graph() = default;
  explicit Graph(std::string name) : name_(std::move(name)) {}

  const std::string& name() const { return name_; }
  const std::vector<Node>& nodes() const { return nodes_; }
  const Node& node(NodeId id) const { return nodes_.at(static_cast<std::size_t>(id)); }
  // Throws InputError with a did-you-mean.
  NodeId find(std::string_view name) const;

  // Throw InputError: a name used twice or not [A-Za-z0-9_-]+, a wrong number of inputs, shapes that do not fit.
  NodeId input(std::string name, Shape sample_shape, DType dtype = DType::f32);
  NodeId add(std::string name, std::shared_ptr<const Layer> layer, std::vector<NodeId> inputs, std::string engine = {});
  template <std::derived_from<Layer> L>
  NodeId add(std::string name, L layer, std::initializer_list<NodeId> inputs) {
    return add(std::move(name), std::make_shared<const L>(std::move(layer)), std::vector<NodeId>(inputs));
  }
  template <std::derived_from<Layer> L>
  NodeId add(std::string name, L layer, NodeId input) {
    return add(std::move(name), std::move(layer), {input});
  }

  // How the weights of a layer start, instead of the layer's own way. Throws InputError when it has none to draw.
  void set_init(NodeId id, const Initialization& init);

  // What training minimises: a layer that reads {logits, labels}, or {logits, targets} with `targets` saying how labels
  // become targets. Null, the default: softmax and cross-entropy.
  void set_loss(std::shared_ptr<const Layer> loss, OneHotOptions targets = {});
  const std::shared_ptr<const Layer>& loss() const { return loss_; }
  const OneHotOptions& loss_targets() const { return loss_targets_; }

  // Shapes of all nodes' outputs for a batch of `n` samples, in node order.
  std::vector<Shape> shapes(std::int64_t n) const;

 private:
  std::string name_ = "net";
  std::vector<Node> nodes_;
  std::vector<Shape> shapes_for_one_;
  std::shared_ptr<const Layer> loss_;
  OneHotOptions loss_targets_;
};

// A classifier net: `image` -> ... -> logits, and (for training) loss(logits, `label`). Logits [N, C] classify the whole
// sample; logits [N, C, ...] classify every position, and labels are [N, ...].
struct Model {
  Graph graph;
  NodeId image = -1;
  NodeId label = -1;
  NodeId logits = -1;
  NodeId loss = -1;

  Shape sample_shape() const { return graph.node(image).sample_shape; }
  std::int64_t classes() const { return graph.shapes(1)[static_cast<std::size_t>(logits)][1]; }
};

// Appends the `label` input and the loss (Graph::loss) to a graph whose last node is the logits. A loss that reads
// targets gets them from a node `target`.
Model make_classifier(Graph graph);

// The same net, with the same parameters, for training on a probability of every class: `label` is f32 [C], and the
// loss soft_cross_entropy with the options that the net's own has. Throws InputError for a net with another loss than
// softmax_cross_entropy or soft_cross_entropy, or with logits for every position.
Model with_soft_targets(const Model& model);

}  // namespace fovea
