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

// The window of one row, or one that lies outside of all images where there is no such row.
struct WindowCorner {
  unsigned place;  // of the corner and the group's first channel; of what does not exist any number, hence unsigned
  int h, w;
};
constexpr int far_outside = -(1 << 30);  // of pixels, of which an axis has fewer
__device__ __forceinline__ WindowCorner window_corner(const WindowProduct& g, int group, int row) {
  const int n = row / g.positions, position = row % g.positions;
  const int i = position / g.grid_w, j = position % g.grid_w;
  const int h = i * g.step_h + g.start_h, w = j * g.step_w + g.start_w;
  const unsigned pixel = (static_cast<unsigned>(n) * g.H + h) * g.W + w;
  return {pixel * g.C + group * g.channels, row < g.rows ? h : far_outside, w};
}

// One d: where it lies from a window's corner, and in a filter. One beyond the depth lies outside of all images.
struct WindowTap {
  int h, w;
  unsigned place, in_filter;
};
__device__ __forceinline__ WindowTap window_tap(const WindowProduct& g, int d) {
  const int tap = d / g.channels, channel = d % g.channels;
  const int r = tap / g.taps_w, s = tap % g.taps_w, h = r * g.tap_h, w = s * g.tap_w;
  return {d < g.depth ? h : far_outside, w, (static_cast<unsigned>(h) * g.W + w) * g.C + channel,
          static_cast<unsigned>(g.filter_start) + r * g.filter_step_h + s * g.filter_step_w + channel};
}

// Whether an element of the image is under a tap, and not padding: it is corner.place + tap.place then. The unsigned
// comparisons are also false below 0.
__device__ __forceinline__ bool is_under_tap(const WindowProduct& g, const WindowCorner& corner, const WindowTap& tap) {
  return static_cast<unsigned>(corner.h + tap.h) < static_cast<unsigned>(g.H) &&
         static_cast<unsigned>(corner.w + tap.w) < static_cast<unsigned>(g.W);
}

// The tile of results from (first_row, first_column) on, of one group.
template <class T, class Tile, bool by_chunks>
__device__ __forceinline__ void multiply_windows(const WindowProduct& g, const T* image, const T* filters, int group,
                                                 int first_row, int first_column, MmaSums<Tile>& sums) {
  constexpr int elements = chunk_elements<T>, edges = Tile::threads / slice_chunks;  // at a time
  constexpr int row_loads = Tile::rows / edges, column_loads = Tile::columns / edges;
  static_assert(edges % 32 == 0 && depth_swizzle(edges) == 0, "all of a thread's chunks are in one column of banks");
  const int chunk = static_cast<int>(threadIdx.x) % slice_chunks, edge = static_cast<int>(threadIdx.x) / slice_chunks;
  const int first_place = depth_slice_place(edge, chunk), columns_left = g.columns - first_column - edge;
  const unsigned filter_size = g.filter_size, first_filter = (group * g.columns + first_column + edge) * filter_size;
  WindowCorner corners[row_loads];
#pragma unroll
  for (int i = 0; i < row_loads; ++i) corners[i] = window_corner(g, group, first_row + edge + i * edges);

  const auto fetch = [&](int slice, uint4* a, uint4* b) {
    const int d = slice * mma_slice_depth<T> + chunk * elements;
    a += first_place;
    b += first_place;
    if constexpr (by_chunks) {
      const WindowTap tap = window_tap(g, d);
#pragma unroll
      for (int i = 0; i < row_loads; ++i) {
        cp_async_or_zeros<16>(a + i * edges * slice_chunks, image, corners[i].place + tap.place,
                              is_under_tap(g, corners[i], tap));
      }
#pragma unroll
      for (int i = 0; i < column_loads; ++i) {
        cp_async_or_zeros<16>(b + i * edges * slice_chunks, filters,
                              first_filter + i * edges * filter_size + tap.in_filter,
                              d < g.depth && i * edges < columns_left);
      }
    } else {
      for (int e = 0; e < elements; ++e) {
        const WindowTap tap = window_tap(g, d + e);
#pragma unroll
        for (int i = 0; i < row_loads; ++i) {
          reinterpret_cast<T*>(a + i * edges * slice_chunks)[e] =
              is_under_tap(g, corners[i], tap) ? image[corners[i].place + tap.place] : T();
        }
#pragma unroll
        for (int i = 0; i < column_loads; ++i) {
          const bool exists = d + e < g.depth && i * edges < columns_left;
          reinterpret_cast<T*>(b + i * edges * slice_chunks)[e] =
              exists ? filters[first_filter + i * edges * filter_size + tap.in_filter] : T();
        }
      }
    }
  };
  multiply_slices<T, Tile, Lies::along_depth, Lies::along_depth, by_chunks>(
      (g.depth + mma_slice_depth<T> - 1) / mma_slice_depth<T>, fetch, sums);
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
