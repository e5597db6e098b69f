// SPDX-License-Identifier: Apache-2.0
//
// The sum of the squares of a flat arena, whose root is the norm of a gradient:
//
//   x [count] f32, sum [1] f64:   sum = sum over i of x[i]^2
//
// In double: squares of floats are exact and none overflows, so the sum is finite if and only if all of x is. The order
// is fixed, whatever the device and its threads, so that all give the same bits. x is cut into parts of 4096 elements:
//
//   in a part, lane t of 256 adds the squares of its elements t, t + 256, t + 512, ...;
//   the lanes are added by halves: lane t takes lane t + 128, then t + 64, ..., then 1;
//   of the parts' sums lane t of 256 adds those of parts t, t + 256, ..., and these lanes are added by halves too.
#pragma once
#include <cstddef>
#include <cstdint>

#include "core/ops/workspace.h"
#include "core/tensor/tensor.h"

namespace fovea {

inline constexpr std::int64_t sum_part_elements = 4096, sum_tree_lanes = 256;
inline std::int64_t sum_parts(std::int64_t count) { return (count + sum_part_elements - 1) / sum_part_elements; }

class SumOfSquaresOps {
 public:
  virtual ~SumOfSquaresOps() = default;
  // Scratch bytes for `count` elements.
  virtual std::size_t sum_of_squares_workspace(std::int64_t count) = 0;
  virtual void sum_of_squares(ConstView x, View sum, Workspace workspace) = 0;
};

}  // namespace fovea
