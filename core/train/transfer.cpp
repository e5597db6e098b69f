// SPDX-License-Identifier: Apache-2.0
#include "core/train/transfer.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>

#include "core/layers/conv2d.h"
#include "core/layers/linear.h"
#include "core/support/error.h"

namespace fovea {
namespace {

// As Model's logits: the last node of a net without its loss.
NodeId last_trained(const Graph& graph, NodeId from) {
  const std::vector<ParameterLayout::Entry> entries = ParameterLayout::of(graph).entries;
  const auto is_trained = [&](NodeId node) {
    return std::ranges::any_of(entries, [&](const auto& entry) { return entry.trained && entry.node == node; });
  };
  NodeId node = from;
  while (!is_trained(node)) {
    const std::vector<NodeId>& inputs = graph.node(node).inputs;
    require(inputs.size() == 1, [&] {
      return fmt::format("net '{}': it has no head: going back from its logits, '{}' comes before a layer with weights",
                         graph.name(), graph.node(node).name);
    });
    node = inputs[0];
  }
  return node;
}

}  // namespace

NodeId head_of(const Model& model) { return last_trained(model.graph, model.logits); }

Graph with_new_head(const Graph& graph, std::int64_t classes) {
  const NodeId head = last_trained(graph, static_cast<NodeId>(graph.nodes().size()) - 1);
  Graph result(graph.name());
  for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
    const Node& node = graph.nodes()[i];
    std::shared_ptr<const Layer> layer = node.layer;
    if (static_cast<NodeId>(i) == head) {
      if (const auto* linear = dynamic_cast<const Linear*>(layer.get())) {
        LinearOptions options = linear->options();
        options.out_features = classes;
        layer = std::make_shared<const Linear>(options);
      } else if (const auto* conv = dynamic_cast<const Conv2d*>(layer.get())) {
        Conv2dOptions options = conv->options();
        options.out_channels = classes;
        layer = std::make_shared<const Conv2d>(options);
      } else {
        throw InputError(fmt::format("net '{}': layer '{}': expected a linear or conv2d layer as the head, got {}",
                                     graph.name(), node.name, layer->type()));
      }
    }
    if (layer) {
      result.set_init(result.add(node.name, layer, node.inputs, node.engine), node.init);
    } else {
      result.input(node.name, node.sample_shape, node.dtype);
    }
  }
  if (graph.loss()) result.set_loss(graph.loss(), graph.loss_targets());
  return result;
}

TransferReport transfer_weights(const Checkpoint& checkpoint, const std::string& path, const Model& model,
                                bool new_head, ParameterArena& weights) {
  const NodeId head = new_head ? head_of(model) : -1;
  const std::vector<ParameterLayout::Entry>& entries = weights.layout().entries;
  std::map<std::string_view, std::size_t> ours;
  for (std::size_t i = 0; i < entries.size(); ++i) ours.emplace(entries[i].name, i);
  TransferReport report;
  std::vector<bool> loaded(entries.size());
  for (const auto* list : {&checkpoint.weights, &checkpoint.state}) {
    for (const auto& pair : *list) {
      const std::string& name = pair.first;
      const Tensor& tensor = pair.second;
      const auto found = ours.find(name);
      const auto skip = [&](const std::string& why) {
        report.skipped.push_back(fmt::format("{} {}: {}", name, tensor.shape().to_string(), why));
      };
      if (found == ours.end()) {
        skip("not in the net");
      } else if (const auto& entry = entries[found->second]; entry.node == head) {
        skip("the head is new");
      } else if (entry.spec.shape != tensor.shape()) {
        skip("the net has " + entry.spec.shape.to_string());
      } else {
        weights.set(found->second, tensor);
        loaded[found->second] = true;
      }
    }
  }
  for (std::size_t i = 0; i < entries.size(); ++i)
    (loaded[i] ? report.loaded : report.fresh).push_back(entries[i].name);
  require(!report.loaded.empty(), [&] {
    std::string text = fmt::format("{}: none of its tensors fits net '{}':", path, model.graph.name());
    for (const std::string& line : report.skipped) text += "\n  " + line;
    return text;
  });
  return report;
}

}  // namespace fovea
