// SPDX-License-Identifier: Apache-2.0
//
// Which steps of a sliding window stay inside the image. Padding contributes 0 to every sum, so what lies outside is
// left out; asking beforehand keeps "is this padding?" out of the innermost loops.
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

namespace fovea::reference {

// The indices first <= i < last.
struct Range {
  std::int64_t first = 0, last = 0;
};

// The i in [0, count) for which 0 <= offset + i*step < extent, with step >= 1.
inline Range inside(std::int64_t count, std::int64_t step, std::int64_t offset, std::int64_t extent) {
  const auto ceil_divide = [](std::int64_t a, std::int64_t b) { return a <= 0 ? 0 : (a + b - 1) / b; };
  const std::int64_t last = std::min(count, ceil_divide(extent - offset, step));
  return {std::min(ceil_divide(-offset, step), last), last};
}

// For each i in [0, outer): the j in [0, inner) for which 0 <= i*outer_step + j*inner_step - pad < extent.
// With i = output row and j = filter row this says which filter rows overlap the image, and the other way round.
inline std::vector<Range> inside_for_each(std::int64_t outer, std::int64_t outer_step, std::int64_t inner,
                                          std::int64_t inner_step, std::int64_t pad, std::int64_t extent) {
  std::vector<Range> ranges;
  for (std::int64_t i = 0; i < outer; ++i) ranges.push_back(inside(inner, inner_step, i * outer_step - pad, extent));
  return ranges;
}

}  // namespace fovea::reference
