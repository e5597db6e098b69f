// SPDX-License-Identifier: Apache-2.0
//
// How loops see images whose channels lie side by side: a block of up to 16 channels at one position is a vector of
// lanes, and position after position follows at a fixed distance. nhwc and the blocked layouts are all of that kind;
// nchw is the case of one lane, and a matrix [N, K] that of one position.
#pragma once
#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "core/tensor/tensor.h"

namespace fovea::cpu {

inline constexpr int max_lanes = 16;

struct Lanes {
  std::int64_t samples = 1, channels = 1, positions = 1;
  std::int64_t blocks = 1;  // of each sample
  int width = 1;            // channels in a block
  std::int64_t sample_stride = 0, block_stride = 0, step = 0;
  bool padded = false;  // the last block's missing channels are there, as zeros

  static Lanes of(const Shape& shape, Layout layout) {
    Lanes lanes;
    lanes.samples = shape[0];
    lanes.channels = shape[1];
    lanes.positions = shape.without_batch().without_batch().elements();
    const bool matrix = shape.rank() == 2;
    if (layout == Layout::nhwc || matrix) {
      lanes.width = max_lanes;
      lanes.block_stride = max_lanes;
      lanes.step = lanes.channels;
    } else {
      lanes.width = static_cast<int>(channel_block(layout));
      lanes.block_stride = lanes.positions * lanes.width;
      lanes.step = lanes.width;
      lanes.padded = layout != Layout::nchw;
    }
    lanes.blocks = (lanes.channels + lanes.width - 1) / lanes.width;
    lanes.sample_stride =
        layout == Layout::nhwc || matrix ? lanes.channels * lanes.positions : lanes.blocks * lanes.block_stride;
    return lanes;
  }

  std::int64_t offset(std::int64_t n, std::int64_t block) const { return n * sample_stride + block * block_stride; }
  // Channels of a block, and its lanes in memory, which are more where the layout pads.
  int channels_of(std::int64_t block) const {
    return static_cast<int>(std::min<std::int64_t>(width, channels - block * width));
  }
  int lanes_of(std::int64_t block) const { return padded ? width : channels_of(block); }
};

// Calls f(first lane, number of lanes) for groups of 16, 8, 4, 2 or 1 lanes that together are all. The number is a
// constant, so that the loops over a group become vector instructions.
template <class F>
inline __attribute__((always_inline)) void for_lane_groups(int lanes, F&& f) {
  if (lanes == max_lanes) return f(0, std::integral_constant<int, max_lanes>());
  int first = 0;
  if (lanes & 8) f(first, std::integral_constant<int, 8>()), first += 8;
  if (lanes & 4) f(first, std::integral_constant<int, 4>()), first += 4;
  if (lanes & 2) f(first, std::integral_constant<int, 2>()), first += 2;
  if (lanes & 1) f(first, std::integral_constant<int, 1>());
}

}  // namespace fovea::cpu
