// SPDX-License-Identifier: Apache-2.0
//
// The options of a layer type as data: for `fovea op --list` and docs/ops.md.
#pragma once
#include <string>
#include <vector>

#include "core/graph/layer_types.h"

namespace fovea {

struct OptionInfo {
  std::string name;
  std::string kind;  // "int", "size", "padding", "bool", "real", "reals", "ints", "word", "string"
  bool required = false;
  std::string standard;  // the default as JSON: "1", "[2, 1]", "\"zeros\""; of a required option empty
  std::string expected;  // as error messages say it: "a whole number from 1 to 9 or [height, width]"
};

// In the order in which the type's options struct lists them.
std::vector<OptionInfo> list_options(const LayerFactory& factory);

}  // namespace fovea
