// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "cli/output.h"
#include "core/graph/layer_types.h"

namespace fovea::cli {

// Layers and losses together.
LayerTypes all_types();

// Every type with its options and the names of its tensors; as JSON also shapes and an example.
void print_list(const LayerTypes& types, Output& out);

}  // namespace fovea::cli
