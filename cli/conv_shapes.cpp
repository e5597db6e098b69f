// SPDX-License-Identifier: Apache-2.0
#include "cli/conv_shapes.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "cli/numbers.h"
#include "core/data/csv.h"
#include "core/io/file.h"
#include "core/layers/conv2d.h"
#include "core/models/models.h"
#include "core/support/did_you_mean.h"
#include "core/support/error.h"

namespace fovea::cli {
namespace {

const std::vector<std::string> required_columns{"C", "H", "W", "K", "R", "S"};
const std::vector<std::string> columns{"name", "C", "H", "W", "K", "R", "S", "stride", "padding", "dilation", "groups"};

bool same_shape(const ConvShape& a, const ConvShape& b) {
  const Conv2dOptions &o = a.options, &p = b.options;
  return a.x == b.x && o.out_channels == p.out_channels && o.kernel == p.kernel && o.stride == p.stride &&
         o.padding == p.padding && o.dilation == p.dilation && o.groups == p.groups;
}

void add_once(std::vector<ConvShape>& shapes, ConvShape shape) {
  const auto same = std::ranges::find_if(shapes, [&](const ConvShape& s) { return same_shape(s, shape); });
  if (same == shapes.end()) return shapes.push_back(std::move(shape));
  same->layers.insert(same->layers.end(), shape.layers.begin(), shape.layers.end());
  same->data_gradient = same->data_gradient || shape.data_gradient;
}

// Which column stands where, from a table's first line.
std::map<std::string, std::size_t> read_header(const std::string& path, const CsvRow& header) {
  std::map<std::string, std::size_t> places;
  for (std::size_t i = 0; i < header.fields.size(); ++i) {
    const std::string& name = header.fields[i];
    require(std::ranges::find(columns, name) != columns.end(), [&] {
      return fmt::format("{}:{}: expected columns of {}, got '{}'{}", path, header.line, fmt::join(columns, ", "), name,
                         did_you_mean(name, columns));
    });
    require(places.emplace(name, i).second,
            [&] { return fmt::format("{}:{}: column '{}' is there twice", path, header.line, name); });
  }
  for (const std::string& name : required_columns)
    require(places.contains(name),
            [&] { return fmt::format("{}:{}: expected a column '{}', got none", path, header.line, name); });
  return places;
}

ConvShape read_row(const std::string& path, const CsvRow& row, const std::map<std::string, std::size_t>& places,
                   std::int64_t batch) {
  require(row.fields.size() == places.size(), [&] {
    return fmt::format("{}:{}: expected {} fields, as the first line has, got {}", path, row.line, places.size(),
                       row.fields.size());
  });
  const auto number = [&](const char* column, std::int64_t low, std::int64_t otherwise) {
    const auto place = places.find(column);
    if (place == places.end()) return otherwise;
    constexpr std::int64_t high = 65536;
    return parse_integer(fmt::format("{}:{}: {}", path, row.line, column), row.fields[place->second], {low, high});
  };
  ConvShape shape;
  const auto name = places.find("name");
  shape.layers = {name != places.end() ? row.fields[name->second] : fmt::format("line {}", row.line)};
  const std::int64_t C = number("C", 1, 0), H = number("H", 1, 0), W = number("W", 1, 0);
  const std::int64_t R = number("R", 1, 0), S = number("S", 1, 0);
  shape.options = {.out_channels = number("K", 1, 0),
                   .kernel = {R, S},
                   .stride = number("stride", 1, 1),
                   .padding = number("padding", 0, 0),
                   .dilation = number("dilation", 1, 1),
                   .groups = number("groups", 1, 1),
                   .bias = false};
  try {
    shape.x = {batch, C, H, W};
    shape.geometry();
  } catch (const InputError& error) {
    throw InputError(fmt::format("{}:{}: {}", path, row.line, error.what()));
  }
  return shape;
}

}  // namespace

std::vector<ConvShape> conv_shapes_of(const Graph& graph, std::int64_t batch) {
  const std::vector<Shape> outputs = graph.shapes(batch);
  std::vector<ConvShape> shapes;
  for (const Node& node : graph.nodes()) {
    const auto* conv = dynamic_cast<const Conv2d*>(node.layer.get());
    if (conv == nullptr) continue;
    const NodeId input = node.inputs[0];
    ConvShape shape{{node.name}, outputs[static_cast<std::size_t>(input)], conv->options()};
    shape.options.bias = false;
    shape.data_gradient = graph.node(input).layer != nullptr;
    add_once(shapes, std::move(shape));
  }
  require(!shapes.empty(),
          [&] { return fmt::format("net '{}': expected a layer conv2d, got a net without one", graph.name()); });
  return shapes;
}

std::vector<ConvShape> read_conv_shapes(const std::string& path, std::int64_t batch) {
  const std::vector<std::byte> bytes = read_file(path);
  const std::vector<CsvRow> rows = parse_csv(path, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  require(rows.size() >= 2,
          [&] { return fmt::format("{}: expected a line that names columns and a line for each shape", path); });
  const std::map<std::string, std::size_t> places = read_header(path, rows[0]);
  std::vector<ConvShape> shapes;
  for (std::size_t i = 1; i < rows.size(); ++i) add_once(shapes, read_row(path, rows[i], places, batch));
  return shapes;
}

std::vector<ConvShape> load_conv_shapes(const std::string& spec, std::int64_t batch) {
  require(spec.ends_with(".csv") || spec.ends_with(".toml") || find_builtin_net(spec) != nullptr, [&] {
    std::vector<std::string> nets;
    for (const BuiltinNet& net : builtin_nets()) nets.emplace_back(net.name);
    return fmt::format("--shapes: expected a built-in net, a .toml net file or a .csv file, got '{}'{}", spec,
                       did_you_mean(spec, nets));
  });
  std::vector<ConvShape> shapes =
      spec.ends_with(".csv") ? read_conv_shapes(spec, batch) : conv_shapes_of(load_net(spec), batch);
  constexpr std::int64_t indexable = std::int64_t{1} << 31;
  for (const ConvShape& shape : shapes) {
    for (const Shape& tensor :
         {shape.x, conv2d_filter_shape(shape.options, shape.x), conv2d_output_shape(shape.options, shape.x)})
      require(tensor.elements() < indexable, [&] {
        return fmt::format("--shapes {}: {}: expected tensors of less than 2^31 elements, got {}; a smaller --batch?",
                           spec, shape.layers[0], tensor.to_string());
      });
  }
  return shapes;
}

}  // namespace fovea::cli
