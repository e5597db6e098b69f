// SPDX-License-Identifier: Apache-2.0
#include "core/executor/fold_batch_norm.h"

#include <cmath>
#include <map>

#include "core/executor/parameters.h"
#include "core/layers/batch_norm.h"
#include "core/layers/conv1d.h"
#include "core/layers/conv2d.h"
#include "core/layers/linear.h"
#include "core/support/error.h"

namespace fovea {
namespace {

// The layer with a bias, where its filters lie along the first axis of its weight and a normalisation can be folded
// into it; null for other layers.
std::shared_ptr<const Layer> with_bias(const std::shared_ptr<const Layer>& layer) {
  if (const auto* conv = dynamic_cast<const Conv2d*>(layer.get())) {
    Conv2dOptions options = conv->options();
    options.bias = true;
    return std::make_shared<const Conv2d>(options);
  }
  if (const auto* conv = dynamic_cast<const Conv1d*>(layer.get())) {
    Conv1dOptions options = conv->options();
    options.bias = true;
    return std::make_shared<const Conv1d>(options);
  }
  if (const auto* linear = dynamic_cast<const Linear*>(layer.get())) {
    LinearOptions options = linear->options();
    options.bias = true;
    return std::make_shared<const Linear>(options);
  }
  return nullptr;
}

class Folder {
 public:
  Folder(const Graph& graph, const std::vector<Tensor>& weights) : graph_(graph) {
    const std::vector<ParameterLayout::Entry> entries = ParameterLayout::of(graph).entries;
    require(weights.size() == entries.size(), [&] {
      return "net '" + graph.name() + "': expected " + std::to_string(entries.size()) + " weights, got " +
             std::to_string(weights.size());
    });
    for (std::size_t i = 0; i < entries.size(); ++i) old_weights_[entries[i].name] = weights[i];
    for (const Node& node : graph.nodes())
      for (const NodeId input : node.inputs) ++readers_[input];
  }

  FoldedNet fold() {
    FoldedNet result;
    result.graph = Graph(graph_.name());
    for (std::size_t i = 0; i < graph_.nodes().size(); ++i) {
      const Node& node = graph_.nodes()[i];
      if (!node.layer) {
        result.node_of.push_back(result.graph.input(node.name, node.sample_shape, node.dtype));
        continue;
      }
      if (const Node* first = folds_into(node)) {
        result.node_of.push_back(result.node_of[static_cast<std::size_t>(node.inputs[0])]);
        put(*first, dynamic_cast<const BatchNorm&>(*node.layer).options().epsilon, node.name);
        ++result.folded;
        continue;
      }
      std::vector<NodeId> inputs;
      for (const NodeId input : node.inputs) inputs.push_back(result.node_of[static_cast<std::size_t>(input)]);
      const bool folds = reader_folds(static_cast<NodeId>(i));
      result.node_of.push_back(
          result.graph.add(node.name, folds ? with_bias(node.layer) : node.layer, inputs, node.engine));
    }
    if (graph_.loss()) result.graph.set_loss(graph_.loss(), graph_.loss_targets());
    for (const ParameterLayout::Entry& entry : ParameterLayout::of(result.graph).entries)
      result.weights.push_back(old_weights_.at(entry.name));
    return result;
  }

 private:
  // The node that this one, a normalisation, can be folded into.
  const Node* folds_into(const Node& node) const {
    if (dynamic_cast<const BatchNorm*>(node.layer.get()) == nullptr) return nullptr;
    const NodeId input = node.inputs[0];
    const Node& first = graph_.node(input);
    return first.layer && readers_.at(input) == 1 && with_bias(first.layer) ? &first : nullptr;
  }
  bool reader_folds(NodeId id) const {
    for (const Node& node : graph_.nodes())
      if (node.layer && node.inputs[0] == id && folds_into(node)) return true;
    return false;
  }

  // Changes the weight and bias of `first` in old_weights_. Computed in float64 and rounded once.
  void put(const Node& first, double epsilon, const std::string& norm) {
    const auto of_norm = [&](const char* name) { return old_weights_.at(norm + "." + name); };
    const Tensor scale = of_norm("weight"), shift = of_norm("bias"), mean = of_norm("running_mean"),
                 variance = of_norm("running_var");
    Tensor weight = old_weights_.at(first.name + ".weight").to_host();
    const auto channels = static_cast<std::size_t>(weight.shape()[0]);
    const auto bias_before = old_weights_.find(first.name + ".bias");
    Tensor bias =
        bias_before == old_weights_.end() ? Tensor::zeros(Shape{weight.shape()[0]}) : bias_before->second.to_host();
    const std::size_t filter = weight.span<float>().size() / channels;
    for (std::size_t k = 0; k < channels; ++k) {
      const double s = scale.span<float>()[k] /
                       std::sqrt(static_cast<double>(variance.span<float>()[k]) + static_cast<float>(epsilon));
      for (std::size_t i = k * filter; i < (k + 1) * filter; ++i)
        weight.span<float>()[i] = static_cast<float>(weight.span<float>()[i] * s);
      const double centred = static_cast<double>(bias.span<float>()[k]) - mean.span<float>()[k];
      bias.span<float>()[k] = static_cast<float>(centred * s + shift.span<float>()[k]);
    }
    old_weights_[first.name + ".weight"] = weight;
    old_weights_[first.name + ".bias"] = bias;
  }

  const Graph& graph_;
  std::map<std::string, Tensor> old_weights_;
  std::map<NodeId, int> readers_;
};

}  // namespace

FoldedNet fold_batch_norm(const Graph& graph, const std::vector<Tensor>& weights) {
  return Folder(graph, weights).fold();
}

FoldedModel fold_batch_norm(const Model& model, const std::vector<Tensor>& weights) {
  FoldedNet net = fold_batch_norm(model.graph, weights);
  const auto now = [&](NodeId id) { return net.node_of[static_cast<std::size_t>(id)]; };
  FoldedModel result;
  result.model = {.graph = std::move(net.graph),
                  .image = now(model.image),
                  .label = now(model.label),
                  .logits = now(model.logits),
                  .loss = now(model.loss)};
  result.weights = std::move(net.weights);
  result.folded = net.folded;
  return result;
}

}  // namespace fovea
