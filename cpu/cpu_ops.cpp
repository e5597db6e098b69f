// SPDX-License-Identifier: Apache-2.0
#include "cpu/cpu_ops.h"

#include <algorithm>
#include <array>

namespace fovea {

bool CpuOps::provides(std::string_view op) const {
  static constexpr std::array<std::string_view, 13> own{
      "conv2d", "linear", "bias",    "max_pool2d", "avg_pool2d", "adaptive_pool2d", "batch_norm",
      "relu",   "add",    "dropout", "sgd",        "adam",       "convert_layout"};
  return std::ranges::find(own, op) != own.end();
}

}  // namespace fovea
