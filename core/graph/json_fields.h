// SPDX-License-Identifier: Apache-2.0
//
// Option fields (core/ops/fields.h) read from JSON: {"kernel": [3, 5], "stride": 2}.
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "core/graph/layer_types.h"
#include "core/graph/toml_document.h"

namespace fovea {

// A JSON object as the tree that net files are read from; positions are 0. Throws InputError "WHAT: ...": not JSON, not
// an object, a key twice, null, arrays or objects nested more than 8 deep.
TomlValue parse_json_object(std::string_view json, const std::string& what);

// The layer of `type` with the options of `json_params`. Throws one InputError that lists every fault, a line each, as
// for net files: "params: conv2d: key 'kernel': expected ..., got ...".
std::shared_ptr<const Layer> make_layer(const LayerTypes& types, std::string_view type, std::string_view json_params);

}  // namespace fovea
