// SPDX-License-Identifier: Apache-2.0
//
// Which layer of a net file reads which: names resolved, and everything that can be wrong with them reported at once.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "core/graph/layer.h"
#include "core/graph/toml_fields.h"

namespace fovea {

// One [[layer]] table.
struct NetFileLayer {
  static constexpr int image = -1, unknown = -2;

  std::string name;   // empty when missing or faulty
  std::string where;  // for messages: "layer 'conv1'", "layer 3"
  int line = 0, column = 0;
  const TomlValue* inputs_value = nullptr;  // null: the previous layer
  std::vector<std::string> input_names;
  std::string engine;
  Initialization init;
  std::shared_ptr<const Layer> layer;  // null when its type or its options are faulty
  std::vector<int> inputs;             // filled by wire_net: indices of layers above, `image` or `unknown`

  const TomlValue& input_value(std::size_t i) const {
    return inputs_value->kind == TomlValue::Kind::array ? inputs_value->items[i] : *inputs_value;
  }
};

// Fills `inputs`. Reports duplicate and reserved names, unknown inputs, cycles (once each, naming the members), forward
// references, and layers that nothing reads.
void wire_net(std::vector<NetFileLayer>& layers, const std::string& image_name, NetFaults& faults);

}  // namespace fovea
