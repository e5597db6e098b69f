// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <span>
#include <string_view>

#include "core/graph/graph.h"

namespace fovea {

// Built-in nets: name, one line about it, and the function that builds it for a sample shape and a class count.
struct BuiltinNet {
  std::string_view name;
  std::string_view summary;
  Shape sample_shape;  // the default
  std::int64_t classes;
  Graph (*build)(Shape sample_shape, std::int64_t classes);
};
std::span<const BuiltinNet> builtin_nets();

// A built-in net by name, or a .toml file by path. Throws InputError with a did-you-mean.
Graph load_net(std::string_view name_or_path);

}  // namespace fovea
