// SPDX-License-Identifier: Apache-2.0
#include "core/models/models.h"

#include <fmt/format.h>

#include <string>
#include <vector>

#include "core/graph/net_file.h"
#include "core/support/did_you_mean.h"
#include "core/support/error.h"

namespace fovea {
namespace {

bool is_file_name(std::string_view text) {
  const std::string_view suffix = ".toml";
  return text.find('/') != std::string_view::npos ||
         (text.size() > suffix.size() && text.substr(text.size() - suffix.size()) == suffix);
}

Graph read_file(std::string_view path) {
  require(is_file_name(path), [&] {
    std::vector<std::string> names;
    for (const BuiltinNet& net : builtin_nets()) names.emplace_back(net.name);
    return fmt::format("unknown net '{}': expected {} or a .toml file{}", path, fmt::join(names, ", "),
                       did_you_mean(path, names));
  });
  return read_net(std::string(path));
}

}  // namespace

std::span<const BuiltinNet> builtin_nets() {
  static const BuiltinNet nets[] = {
      {"lenet5", "LeNet-5 with ReLU and max pooling", {1, 28, 28}, 10, lenet5},
      {"lenet5-1998",
       "LeNet-5 with tanh and average pooling, near to the paper of 1998",
       {1, 28, 28},
       10,
       lenet5_1998,
       lenet5_1998_notes},
      {"softmax", "one dense layer: the softmax classifier", {1, 28, 28}, 10, softmax_classifier},
      {"mlp", "one hidden layer of 128 ReLU units", {1, 28, 28}, 10, mlp},
  };
  return nets;
}

const BuiltinNet* find_builtin_net(std::string_view name) {
  for (const BuiltinNet& net : builtin_nets()) {
    if (net.name == name) return &net;
  }
  return nullptr;
}

Graph load_net(std::string_view name_or_path) {
  const BuiltinNet* net = find_builtin_net(name_or_path);
  return net != nullptr ? net->build(net->sample_shape, net->classes) : read_file(name_or_path);
}

Graph load_net(std::string_view name_or_path, const Shape& sample_shape, std::int64_t classes) {
  const BuiltinNet* net = find_builtin_net(name_or_path);
  if (net == nullptr) return read_file(name_or_path);
  try {
    return net->build(sample_shape, classes);
  } catch (const InputError& error) {
    throw InputError(fmt::format("net '{}' cannot be built for images {} of {} classes: {}", net->name,
                                 sample_shape.to_string(), classes, error.what()));
  }
}

}  // namespace fovea
