// SPDX-License-Identifier: Apache-2.0
//
// The tables of a net file, each on its own: everything that can be checked without its neighbours.
#pragma once
#include <string>

#include "core/graph/graph.h"
#include "core/graph/layer_types.h"
#include "core/graph/net_wiring.h"
#include "core/graph/toml_fields.h"

namespace fovea {

// 1 to 64 letters, digits, '_' or '-'.
bool is_name(const std::string& text);

// A layer's own messages begin with the option at fault, "kernel: ...": the fault is there, or else in the table.
const TomlValue& fault_position(const TomlValue& table, const std::string& message);

// The [[layer]] table that is the file's `number`th.
NetFileLayer read_layer(const TomlValue& table, std::size_t number, const LayerTypes& types, NetFaults& faults);

// The keys init and init_...; nothing where the layer starts in its own way.
void write_init(TomlWriter& writer, Initialization init);

// The [loss] table, if there is one.
void read_loss(TomlReader& root, const LayerTypes& losses, NetFaults& faults, Graph& graph);
// Reports a loss that does not fit the logits of a finished graph.
void check_loss(const TomlValue& root, const Graph& graph, NetFaults& faults);
// Nothing for the default loss.
void write_loss(TomlWriter& writer, const Graph& graph);

}  // namespace fovea
