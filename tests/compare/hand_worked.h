// SPDX-License-Identifier: Apache-2.0
//
// What bounds that are worked by hand or tried out are written with.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "core/tolerance/uncertain.h"
#include "tests/support/fill.h"

namespace fovea::test {

inline constexpr double u = 0x1p-24;  // the unit roundoff of float32

inline Tensor tensor(const Shape& shape, const std::vector<double>& values) {
  return Tensor::from<double>(shape, std::span<const double>(values));
}

inline Tensor all(const Shape& shape, double value) {
  return tensor(shape, std::vector<double>(static_cast<std::size_t>(shape.elements()), value));
}

// Random values from low to high, each off by up to `tolerance`.
inline Uncertain uncertain(const Shape& shape, std::uint64_t stream, double tolerance, float low = -1, float high = 1) {
  return {reals(shape, stream_for("value", stream), low, high).converted(DType::f64), all(shape, tolerance)};
}

}  // namespace fovea::test
