// SPDX-License-Identifier: Apache-2.0
#include "core/graph/net_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>

#include "core/graph/net_tables.h"
#include "core/graph/net_wiring.h"
#include "core/graph/toml_fields.h"
#include "core/support/did_you_mean.h"
#include "core/support/error.h"

namespace fovea {
namespace {

constexpr std::size_t largest_file = std::size_t{16} << 20;
constexpr std::size_t longest_trace = 6;  // nodes

// Adds the layers whose inputs are known to the graph and reports those whose inputs do not fit.
class GraphBuilder {
 public:
  GraphBuilder(Graph& graph, NodeId image, const Shape& sample, NetFaults& faults)
      : graph_(graph), image_{image, sample.with_batch(1), NetFileLayer::unknown}, faults_(faults) {}

  void add(const NetFileLayer& layer, const TomlValue& table) {
    built_.push_back({-1, {}, layer.inputs.empty() ? NetFileLayer::unknown : layer.inputs[0]});
    names_.push_back(layer.name);
    if (layer.layer == nullptr || layer.inputs.empty()) return;
    const int count = layer.layer->input_count();
    if (count != Layer::any_number && static_cast<int>(layer.inputs.size()) != count) return wrong_count(layer, table);
    std::vector<NodeId> ids;
    std::vector<Shape> shapes;
    for (const int input : layer.inputs) {
      if (input == NetFileLayer::unknown || node(input).id < 0) return;
      ids.push_back(node(input).id);
      shapes.push_back(node(input).shape);
    }
    try {
      Shape shape = layer.layer->output_shape(shapes);
      for (const ParameterSpec& p : layer.layer->parameters(shapes)) (void)p.shape.elements();
      // A layer whose name is faulty is reported already; it gets another so that the layers below are checked.
      const bool taken = layer.name.empty() || std::any_of(graph_.nodes().begin(), graph_.nodes().end(),
                                                           [&](const Node& n) { return n.name == layer.name; });
      const std::string name = taken ? fmt::format("layer--{}", built_.size()) : layer.name;
      built_.back().id = graph_.add(name, layer.layer, ids, layer.engine);
      graph_.set_init(built_.back().id, layer.init);
      built_.back().shape = shape;
    } catch (const InputError& error) {
      const TomlValue& at = fault_position(table, error.what());
      faults_.add(at.line, at.column, layer.where, fmt::format("{}; shapes: {}", error.what(), trace(layer.inputs)));
    }
  }

 private:
  struct Built {
    NodeId id;
    Shape shape;  // for a batch of one
    int first_input;
  };
  const Built& node(int i) const { return i == NetFileLayer::image ? image_ : built_[static_cast<std::size_t>(i)]; }
  std::string label(int i) const {
    const std::string name =
        i == NetFileLayer::image ? graph_.node(image_.id).name : names_[static_cast<std::size_t>(i)];
    return fmt::format("{} {}", name, node(i).shape.without_batch().to_string());
  }

  // "image [1, 28, 28] -> conv1 [6, 28, 28]": how the inputs came about, following first inputs.
  std::string trace(const std::vector<int>& inputs) const {
    std::vector<std::string> steps;
    for (int i = inputs[0]; i != NetFileLayer::unknown; i = node(i).first_input) {
      if (steps.size() == longest_trace) {
        steps.push_back("...");
        break;
      }
      steps.push_back(label(i));
    }
    std::reverse(steps.begin(), steps.end());
    std::string text = fmt::format("{}", fmt::join(steps, " -> "));
    for (std::size_t k = 1; k < inputs.size(); ++k) text += ", " + label(inputs[k]);
    return text;
  }

  void wrong_count(const NetFileLayer& layer, const TomlValue& table) {
    const TomlValue& at = layer.inputs_value != nullptr ? *layer.inputs_value : table;
    const int expected = layer.layer->input_count();
    std::string got = fmt::format("{}", layer.inputs.size());
    if (layer.inputs_value == nullptr) got += " (no 'inputs' means the layer above)";
    faults_.add(at.line, at.column, layer.where,
                fmt::format("wrong number of inputs: {} expected {}, got {}", layer.layer->type(), expected, got));
  }

  Graph& graph_;
  Built image_;
  NetFaults& faults_;
  std::vector<Built> built_;
  std::vector<std::string> names_;
};

std::optional<Shape> read_sample_shape(TomlReader& reader, const TomlValue& root) {
  std::vector<std::int64_t> extents;
  if (!reader.integers("input", extents, Presence::required, at_least(1))) return {};
  const TomlValue& at = root.find("input")->value;
  if (extents.size() >= static_cast<std::size_t>(Shape::max_rank)) {
    reader.wrong("input", at, fmt::format("at most {} extents", Shape::max_rank - 1));
    return {};
  }
  try {
    return Shape(std::span<const std::int64_t>(extents));
  } catch (const InputError& error) {
    reader.fault(at, fmt::format("key 'input': {}", error.what()));
    return {};
  }
}

}  // namespace

Graph parse_net(std::string_view toml, const std::string& file_name, const LayerTypes& types,
                const LayerTypes& losses) {
  const TomlValue root = parse_toml(toml, file_name);
  NetFaults faults(file_name);
  TomlReader reader(root, "", faults);
  std::string name = "net", image_name = "image";
  reader.field("name", name, Presence::optional);
  const std::optional<Shape> sample = read_sample_shape(reader, root);
  reader.field("input_name", image_name, Presence::optional);
  if (!is_name(image_name)) {
    reader.wrong("input_name", root.find("input_name")->value, "1 to 64 letters, digits, '_' or '-'");
    image_name = "image";
  }

  const std::string expected_layers = "one or more [[layer]] tables";
  const TomlValue* tables = reader.get("layer", Presence::required, expected_layers);
  std::vector<NetFileLayer> layers;
  if (tables != nullptr) {
    const bool list = tables->kind == TomlValue::Kind::array && !tables->items.empty() &&
                      std::all_of(tables->items.begin(), tables->items.end(),
                                  [](const TomlValue& item) { return item.kind == TomlValue::Kind::table; });
    if (!list) {
      reader.wrong("layer", *tables, expected_layers);
    } else {
      for (const TomlValue& table : tables->items) {
        layers.push_back(read_layer(table, layers.size() + 1, types, faults));
      }
    }
  }
  Graph graph(name);
  read_loss(reader, losses, faults, graph);
  reader.finish();
  wire_net(layers, image_name, faults);

  if (sample) {
    GraphBuilder builder(graph, graph.input(image_name, *sample), *sample, faults);
    for (std::size_t i = 0; i < layers.size(); ++i) builder.add(layers[i], tables->items[i]);
  }
  if (faults.count() == 0) check_loss(root, graph, faults);
  faults.throw_if_any();
  return graph;
}

Graph read_net(const std::string& path, const LayerTypes& types, const LayerTypes& losses) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string text;
  if (file) {
    text.resize(largest_file + 1);
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
  }
  require(file.is_open() && !file.bad() && (errno == 0 || !text.empty()), [&] {
    return fmt::format("{}: cannot read the net file: {}", path, errno != 0 ? std::strerror(errno) : "read error");
  });
  require(text.size() <= largest_file,
          [&] { return fmt::format("{}: not a net file: expected at most {} bytes", path, largest_file); });
  return parse_net(text, path, types, losses);
}

std::string write_net(const Graph& graph) {
  TomlWriter writer;
  std::vector<bool> written(graph.nodes().size(), false);
  NodeId image = -1, previous = -1;
  for (NodeId id = 0; id < static_cast<NodeId>(graph.nodes().size()); ++id) {
    const Node& node = graph.node(id);
    if (node.layer == nullptr) {
      if (image >= 0) continue;  // the label
      image = previous = id;
      written[static_cast<std::size_t>(id)] = true;
      std::string name = graph.name(), image_name = node.name;
      writer.field("name", name, Presence::optional);
      const auto extents = node.sample_shape.extents();
      writer.integers("input", {extents.begin(), extents.end()});
      if (image_name != "image") writer.field("input_name", image_name, Presence::optional);
      continue;
    }
    const bool reads_written = std::all_of(node.inputs.begin(), node.inputs.end(),
                                           [&](NodeId input) { return written[static_cast<std::size_t>(input)]; });
    if (!reads_written) continue;  // the loss
    written[static_cast<std::size_t>(id)] = true;
    std::string name = node.name, type(node.layer->type()), engine = node.engine;
    writer.line("");
    writer.line("[[layer]]");
    writer.field("name", name, Presence::required);
    writer.field("type", type, Presence::required);
    if (node.inputs != std::vector<NodeId>{previous}) {
      std::vector<std::string> inputs;
      for (const NodeId input : node.inputs) inputs.push_back(graph.node(input).name);
      writer.strings("inputs", inputs);
    }
    if (!engine.empty()) writer.field("engine", engine, Presence::optional);
    write_init(writer, node.init);
    node.layer->describe(writer);
    previous = id;
  }
  write_loss(writer, graph);
  return writer.text();
}

}  // namespace fovea
