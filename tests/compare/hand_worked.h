// SPDX-License-Identifier: Apache-2.0
//
// What bounds worked by hand are written with.
#pragma once
#include <span>
#include <vector>

#include "core/tensor/tensor.h"

namespace fovea::test {

inline constexpr double u = 0x1p-24;  // the unit roundoff of float32

inline Tensor tensor(const Shape& shape, const std::vector<double>& values) {
  return Tensor::from<double>(shape, std::span<const double>(values));
}

}  // namespace fovea::test
