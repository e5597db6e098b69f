// SPDX-License-Identifier: Apache-2.0
//
// Pooling of lanes (cpu/lanes.h) over windows that are given row by row and column by column, which covers strided and
// adaptive pooling alike. One task is one block of channels of one sample; within it the loops run over windows, over
// their elements, and over lanes, innermost and vectorised.
#pragma once
#include <cmath>
#include <cstdint>
#include <vector>

#include "core/ops/adaptive_pool2d.h"
#include "core/ops/pool2d.h"
#include "core/support/parallel.h"
#include "core/support/simd.h"
#include "cpu/lanes.h"
#include "cpu_reference/pool_window.h"

namespace fovea::cpu {

using reference::Range;

// Rows and columns of the image [H, W] that each of the P x Q windows holds.
struct PoolWindows {
  std::int64_t H, W;
  std::vector<Range> rows, columns;

  static PoolWindows of(const Pool2dGeometry& g) {
    return {g.H, g.W, along(g.P, g.stride_h, g.R, g.pad_top, g.H), along(g.Q, g.stride_w, g.S, g.pad_left, g.W)};
  }
  static PoolWindows of(const AdaptivePool2dGeometry& g) { return {g.H, g.W, along(g.P, g.H), along(g.Q, g.W)}; }

  // No element is in two windows; each is in one.
  bool disjoint() const { return all_neighbours(rows, disjoint_pair) && all_neighbours(columns, disjoint_pair); }
  bool covering() const { return covers(rows, H) && covers(columns, W); }

 private:
  static bool disjoint_pair(const Range& a, const Range& b) { return a.last <= b.first; }
  static bool touching_pair(const Range& a, const Range& b) { return a.last >= b.first; }
  static bool all_neighbours(const std::vector<Range>& ranges, bool (*holds)(const Range&, const Range&)) {
    for (std::size_t i = 1; i < ranges.size(); ++i)
      if (!holds(ranges[i - 1], ranges[i])) return false;
    return true;
  }
  static bool covers(const std::vector<Range>& ranges, std::int64_t extent) {
    return ranges.front().first == 0 && ranges.back().last == extent && all_neighbours(ranges, touching_pair);
  }
  static std::vector<Range> along(std::int64_t windows, std::int64_t stride, std::int64_t extent, std::int64_t pad,
                                  std::int64_t image) {
    std::vector<Range> ranges = reference::elements_inside(windows, stride, extent, pad, image);
    for (std::int64_t p = 0; p < windows; ++p) {
      ranges[static_cast<std::size_t>(p)].first += p * stride - pad;
      ranges[static_cast<std::size_t>(p)].last += p * stride - pad;
    }
    return ranges;
  }
  static std::vector<Range> along(std::int64_t windows, std::int64_t image) {
    std::vector<Range> ranges;
    for (std::int64_t p = 0; p < windows; ++p)
      ranges.push_back({p * image / windows, ((p + 1) * image + windows - 1) / windows});
    return ranges;
  }
};

// Runs task(n, block) for every block of channels of every sample.
template <class Task>
void for_each_block(const Lanes& lanes, Task&& task) {
  parallel_for(lanes.samples * lanes.blocks, [&](std::int64_t i) { task(i / lanes.blocks, i % lanes.blocks); });
}

}  // namespace fovea::cpu
