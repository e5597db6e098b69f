// SPDX-License-Identifier: Apache-2.0
//
// What the depthwise convolutions share (conv2d_*_depthwise.cu): groups of one channel. Channel c has M = K/C filters of its
// own, k = c*M ... c*M + M-1 (M is the channel multiplier, mostly 1), so that no product is shared between channels, there is
// no matrix for tensor cores to multiply, and bytes are what a call takes: 2 R S operations for each y that is written.
//
//   x, dx [N, H, W, C]     y, dy [N, P, Q, K]     w in the order RSK: [R, S, K], the filters of a tap side by side
//
// Threads take V channels of a position with each access (channels.cuh): V is wide where M = 1 and the channels are whole
// vectors. Elsewhere V = 1: a thread for each filter, or channel, whose neighbours read neighbouring addresses.
#pragma once
#include <cstdint>

#include "cuda/kernels/channels.cuh"
#include "cuda/kernels/conv2d_index.cuh"

namespace fovea::FOVEA_TARGET {

// Neighbouring columns that one thread computes forward, and of the data gradient: a tap's weights are fetched and converted
// once for all of them.
constexpr int depthwise_run = 4;
// Blocks that a multiprocessor must have room for: ptxas would else spill the sums to let more in.
constexpr int depthwise_blocks = 1;

// The threads of such a kernel count through [N, rows, runs, vectors]; a place's column is the number of its run.
struct DepthwisePlaces {
  Divisor rows, runs, vectors;
  std::int64_t threads;

  DepthwisePlaces(std::int64_t N, std::int64_t rows_, std::int64_t columns, std::int64_t vectors_)
      : rows(rows_),
        runs((columns + depthwise_run - 1) / depthwise_run),
        vectors(vectors_),
        threads(N * rows_ * runs.value * vectors_) {}
};

// Also false below 0.
__device__ __forceinline__ bool depthwise_inside(int i, int extent) {
  return static_cast<unsigned>(i) < static_cast<unsigned>(extent);
}

template <class T>
bool depthwise_is_wide(const Conv2dGeometry& g, std::initializer_list<const void*> tensors) {
  return g.K == g.C && channels_are_wide<T>(g.C, tensors);
}

}  // namespace fovea::FOVEA_TARGET
