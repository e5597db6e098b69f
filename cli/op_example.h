// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <vector>

#include "core/executor/layer_run.h"

namespace fovea::cli {

// Tensors to run a layer on: inputs of the given shapes and parameters in [-1, 1), labels of the classes that the first
// input has, targets in [0, 1), state at its initial values, and "dy" where there is a gradient. Follows from the seed.
NamedTensors example_tensors(const Layer& layer, const std::vector<Shape>& inputs, std::uint64_t seed);

}  // namespace fovea::cli
