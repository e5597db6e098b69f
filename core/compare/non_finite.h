// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/compare/net_run.h"

namespace fovea {

// The first tensor of a training step that holds NaN or infinity.
struct NonFinite {
  std::string layer;        // or the input's name
  std::string tensor;       // "input", "weight", "running_mean", "output", "weight_gradient", ...
  std::int64_t values = 0;  // how many are not finite
  std::vector<std::int64_t> samples =
      {};  // places in the batch that hold them; empty where the tensor has no batch axis

  std::string to_string() const;  // "layer 'conv2': output: 1 value is not finite"
};

// Looks through the inputs and the weights, then runs the step and looks through everything that each layer computes,
// forward and backward. Nothing when all is finite.
std::optional<NonFinite> find_non_finite(const Model& model, NetRun& run);

}  // namespace fovea
