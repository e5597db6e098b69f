// SPDX-License-Identifier: Apache-2.0
//
// Pooling windows at the edge of the image: which of their elements are real.
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

namespace fovea::reference {

// The indices first <= i < last.
struct Range {
  std::int64_t first, last;
  std::int64_t size() const { return last - first; }
};

// Along one axis, for each window position p: the elements r of the window for which 0 <= p*stride - pad + r < extent.
inline std::vector<Range> elements_inside(std::int64_t positions, std::int64_t stride, std::int64_t window,
                                          std::int64_t pad, std::int64_t extent) {
  std::vector<Range> ranges;
  for (std::int64_t p = 0; p < positions; ++p) {
    const std::int64_t start = p * stride - pad;
    ranges.push_back({std::max<std::int64_t>(0, -start), std::min(window, extent - start)});
  }
  return ranges;
}

}  // namespace fovea::reference
