// SPDX-License-Identifier: Apache-2.0
//
// Nets as TOML:
//
//   name = "lenet5"                  # default: "net"
//   input = [1, 28, 28]              # one sample: channels, height, width
//   # input_name = "image"           # what layers call it
//
//   [[layer]]
//   name = "conv1"
//   type = "conv2d"
//   out_channels = 6                 # the options of core/ops/conv2d.h
//   kernel = 5
//   padding = 2
//   # inputs = ["image"]             default: the previous layer; the first layer reads "image"
//   # engine = "library"             default: the device chooses
//
//   [loss]                           # what training minimises; default: softmax and cross-entropy
//   type = "mean_squared_error"
//   on = 1.0                         # losses against targets only: the target of the label's own class (1)
//   off = -1.0                       # and of all others (0)
//
// The last layer gives the logits. A layer may read the input and layers above it only. Every output but the last is
// read by some layer.
#pragma once
#include <string>
#include <string_view>

#include "core/graph/graph.h"
#include "core/graph/layer_types.h"

namespace fovea {

// Reads a net. A syntax error is thrown alone; all other faults are collected and thrown as one InputError, a line
// each: "FILE:LINE:COLUMN: layer 'NAME': ... expected ..., got ... (did you mean ...?)".
Graph parse_net(std::string_view toml, const std::string& file_name, const LayerTypes& types = LayerTypes::builtin(),
                const LayerTypes& losses = LayerTypes::losses());
Graph read_net(const std::string& path, const LayerTypes& types = LayerTypes::builtin(),
               const LayerTypes& losses = LayerTypes::losses());

// The inverse: parse_net(write_net(g)) builds the same graph. Deterministic. Inputs other than the first and the
// nodes that make_classifier adds are not written.
std::string write_net(const Graph& graph);

}  // namespace fovea
