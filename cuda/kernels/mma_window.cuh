// SPDX-License-Identifier: Apache-2.0
//
// Sums over windows of an image as a matrix product on tensor cores ("implicit GEMM": the matrix of windows is never
// written down). Forward and data gradient of a convolution are both of this kind; they differ in numbers only. (The filter
// gradient sums over the windows instead: it uses their places, and loads in its own way.)
//
//   out[(n,i,j), column] = sum over d = (r,s,c) of image[n, h, w, c] * filters[column, r, s, c]
//     with h = i*step_h + start_h + r*tap_h and w likewise; the image is 0 outside
//
// Images are NHWC, so that the channels of a pixel lie side by side, filters have the same order: both operands lie along
// the depth (mma_slice.cuh), and a chunk of 16 bytes is some channels of one pixel.
//
// Loading, by chunks: thread t has chunk t % 4 of rows t/4, t/4 + 32, ... of both operands. Where its rows' windows begin
// it finds once; which tap its chunk belongs to once per slice, by two fast divisions; cp.async writes zeros for what is
// padding, beyond the depth or beyond the edge. That needs a number of channels that is a multiple of the chunk (8, or
// 4 floats) and aligned tensors.
// Otherwise, by elements: 3 channels of an RGB image give a depth of r*s*3 without gaps, whose chunks have several
// taps. Threads read them one by one and store them; the pipeline is the same, but loads are not asynchronous.
#pragma once
#include <cstdint>

#include "core/ops/conv2d.h"
#include "cuda/kernels/divisor.cuh"
#include "cuda/kernels/mma_tile.cuh"

namespace fovea::FOVEA_TARGET {

struct WindowProduct {
  int rows;                   // N * positions
  Divisor positions, grid_w;  // of one image's results: positions = grid_h * grid_w
  int columns;                // of one group

  int H, W, C;       // the image
  Divisor channels;  // of one group
  int step_h, step_w, start_h, start_w;
  Divisor taps_w;    // taps in a row of the window
  int tap_h, tap_w;  // from one tap to the next; may be negative
  int depth;         // taps * channels

  int filter_size;                                 // elements of a column's filter
  int filter_start, filter_step_h, filter_step_w;  // its first tap, from one row of taps and from one tap to the next

  // Result (n,i,j) is pixel (i*out_step_h + out_start_h, j*out_step_w + out_start_w) of image n of [N, out_H, out_W, out_C].
  int out_H, out_W, out_C;
  int out_step_h, out_step_w, out_start_h, out_start_w;
};

// The windows of a convolution, by output pixel.
inline WindowProduct conv2d_forward_windows(const Conv2dGeometry& g) {
  const auto in_int = [](std::int64_t value) { return static_cast<int>(value); };
  const std::int64_t channels = g.channels_per_group();
  return {.rows = in_int(g.N * g.P * g.Q),
          .positions = Divisor(g.P * g.Q),
          .grid_w = Divisor(g.Q),
          .columns = in_int(g.filters_per_group()),
          .H = in_int(g.H),
          .W = in_int(g.W),
          .C = in_int(g.C),
          .channels = Divisor(channels),
          .step_h = in_int(g.stride_h),
          .step_w = in_int(g.stride_w),
          .start_h = in_int(-g.pad_top),
          .start_w = in_int(-g.pad_left),
          .taps_w = Divisor(g.S),
          .tap_h = in_int(g.dilation_h),
          .tap_w = in_int(g.dilation_w),
          .depth = in_int(g.R * g.S * channels),
          .filter_size = in_int(g.R * g.S * channels),
          .filter_start = 0,
          .filter_step_h = in_int(g.S * channels),
          .filter_step_w = in_int(channels),
          .out_H = in_int(g.P),
          .out_W = in_int(g.Q),
          .out_C = in_int(g.K),
          .out_step_h = 1,
          .out_step_w = 1,
          .out_start_h = 0,
          .out_start_w = 0};
}

// The window of one row; no image where there is no such row.
struct WindowCorner {
  int image = -1;  // the group's first channel of the image's first pixel
  int h = 0, w = 0;
};
__device__ __forceinline__ WindowCorner window_corner(const WindowProduct& g, int group, int row) {
  if (row >= g.rows) return {};
  const int n = row / g.positions, position = row % g.positions;
  const int i = position / g.grid_w, j = position % g.grid_w;
  return {n * g.H * g.W * g.C + group * g.channels, i * g.step_h + g.start_h, j * g.step_w + g.start_w};
}

// One d: where it lies from a window's corner, and in a filter.
struct WindowTap {
  int h, w, channel, in_filter;
};
__device__ __forceinline__ WindowTap window_tap(const WindowProduct& g, int d) {
  const int tap = d / g.channels, channel = d % g.channels;
  const int r = tap / g.taps_w, s = tap % g.taps_w;
  return {r * g.tap_h, s * g.tap_w, channel, g.filter_start + r * g.filter_step_h + s * g.filter_step_w + channel};
}

// The element of the image under a tap, or -1 in the padding. The unsigned comparisons are also false below 0.
__device__ __forceinline__ int under_tap(const WindowProduct& g, const WindowCorner& corner, const WindowTap& tap) {
  const int h = corner.h + tap.h, w = corner.w + tap.w;
  const bool inside = corner.image >= 0 && static_cast<unsigned>(h) < static_cast<unsigned>(g.H) &&
                      static_cast<unsigned>(w) < static_cast<unsigned>(g.W);
  return inside ? corner.image + (h * g.W + w) * g.C + tap.channel : -1;
}

// The chunk of `source` from element i on, or zeros where i is negative.
template <class T>
__device__ __forceinline__ void copy_chunk(uint4* to, const T* source, int i) {
  cp_async<16>(to, source + (i < 0 ? 0 : i), i < 0 ? 0 : 16);
}

// The tile of results from (first_row, first_column) on, of one group.
template <class T, class Tile, bool by_chunks>
__device__ __forceinline__ void multiply_windows(const WindowProduct& g, const T* image, const T* filters, int group,
                                                 int first_row, int first_column, MmaSums<Tile>& sums) {
  constexpr int elements = chunk_elements<T>, edges = Tile::threads / slice_chunks;  // at a time
  constexpr int row_loads = Tile::rows / edges, column_loads = Tile::columns / edges;
  const int chunk = static_cast<int>(threadIdx.x) % slice_chunks, edge = static_cast<int>(threadIdx.x) / slice_chunks;
  const int first_filter = group * g.columns;
  WindowCorner corners[row_loads];
#pragma unroll
  for (int i = 0; i < row_loads; ++i) corners[i] = window_corner(g, group, first_row + edge + i * edges);

  const auto fetch = [&](int slice, uint4* a, uint4* b) {
    const int d = slice * mma_slice_depth<T> + chunk * elements;
    if constexpr (by_chunks) {
      const bool exists = d < g.depth;
      const WindowTap tap = window_tap(g, d);
#pragma unroll
      for (int i = 0; i < row_loads; ++i) {
        copy_chunk(a + depth_slice_place(edge + i * edges, chunk), image, exists ? under_tap(g, corners[i], tap) : -1);
      }
#pragma unroll
      for (int i = 0; i < column_loads; ++i) {
        const int column = first_column + edge + i * edges;
        copy_chunk(b + depth_slice_place(edge + i * edges, chunk), filters,
                   exists && column < g.columns ? (first_filter + column) * g.filter_size + tap.in_filter : -1);
      }
    } else {
      for (int e = 0; e < elements; ++e) {
        const bool exists = d + e < g.depth;
        const WindowTap tap = window_tap(g, d + e);
#pragma unroll
        for (int i = 0; i < row_loads; ++i) {
          const int at = exists ? under_tap(g, corners[i], tap) : -1;
          reinterpret_cast<T*>(a + depth_slice_place(edge + i * edges, chunk))[e] = at < 0 ? T() : image[at];
        }
#pragma unroll
        for (int i = 0; i < column_loads; ++i) {
          const int column = first_column + edge + i * edges;
          const bool inside = exists && column < g.columns;
          reinterpret_cast<T*>(b + depth_slice_place(edge + i * edges, chunk))[e] =
              inside ? filters[(first_filter + column) * g.filter_size + tap.in_filter] : T();
        }
      }
    }
  };
  walk_slices<Tile>((g.depth + mma_slice_depth<T> - 1) / mma_slice_depth<T>, fetch,
                    [&](const uint4* a, const uint4* b) {
                      multiply_slice<T, Tile, Lies::along_depth, Lies::along_depth>(a, b, sums);
                    });
}

// Where row `row` and column `column` of a group lie in the result.
__device__ __forceinline__ int result_place(const WindowProduct& g, int group, int row, int column) {
  const int n = row / g.positions, position = row % g.positions;
  const int h = position / g.grid_w * g.out_step_h + g.out_start_h;
  const int w = position % g.grid_w * g.out_step_w + g.out_start_w;
  return ((n * g.out_H + h) * g.out_W + w) * g.out_C + group * g.columns + column;
}

// A block's tile. Neighbouring blocks have neighbouring columns: together they read the same windows, which are the
// larger operand, while the filters stay in L2.
template <class Tile>
struct WindowBlock {
  int group, first_row, first_column;
};
template <class Tile>
__device__ __forceinline__ WindowBlock<Tile> window_block(const WindowProduct& g) {
  const int across = (g.columns + Tile::columns - 1) / Tile::columns, block = static_cast<int>(blockIdx.x);
  return {static_cast<int>(blockIdx.y), block / across * Tile::rows, block % across * Tile::columns};
}
template <class Tile>
dim3 window_grid(const WindowProduct& g, std::int64_t groups) {
  const std::int64_t across = (g.columns + Tile::columns - 1) / Tile::columns;
  const std::int64_t down = (std::int64_t{g.rows} + Tile::rows - 1) / Tile::rows;
  return dim3(static_cast<unsigned>(down * across), static_cast<unsigned>(groups));
}

}  // namespace fovea::FOVEA_TARGET
