// SPDX-License-Identifier: Apache-2.0
//
// Gradient of a convolution with respect to its filters on tensor cores (core/ops/conv2d.h), images NHWC, dw KCRS.
//
//   dw[k, (r,s,c)] = sum over d = (n,p,q) of dy[d, k] * x[n, h, w, c]
//     with h = p*stride_h - pad_top + r*dilation_h and w = q*stride_w - pad_left + s*dilation_w
//
// The sum runs over pixels, and what lies side by side in memory are the filters of a pixel of dy and the channels of one
// of x: both operands lie along the edge (mma_slice.cuh), and ldmatrix transposes them on the way into registers (floats
// are read one by one). Thread t copies one chunk of filters, or of taps, of the same tile edge in every slice, so that
// it finds its tap once; where a pixel's window begins costs two fast divisions each time.
//
// The result is small and the sum is long, so the sum is cut into parts, each of them a grid of tiles of its own:
// block (x, y, z) computes a tile of group y over part z into partials[z], [K, R, S, C/groups]. A second kernel adds the
// parts in their order and puts them in the order of the operation. No atomics: the same bits every time. The number of
// parts follows from the shapes only, neither from the device nor from the tile that a caller asks for. A single part of
// filters with one tap is dw itself, and `partials` points there: of linear layers with few samples dw is so large that
// writing it, reading it and writing it again would take most of the time.
// What it does not do: take the sums of dy for the bias on the way (bias_nhwc.cu does), or un-pool.
#include <algorithm>

#include "cuda/kernels/elementwise.cuh"
#include "cuda/kernels/kernels_mma.h"
#include "cuda/kernels/mma_choice.cuh"
#include "cuda/kernels/mma_window.cuh"
#include "cuda/runtime/launch.h"

namespace fovea::FOVEA_TARGET {

// `g` are the windows of the convolution forward: its rows are the depth here, its columns the rows, its depth the
// columns.
template <class T, class Tile, bool by_chunks>
__global__ void __launch_bounds__(Tile::threads, mma_least_blocks<T, Tile>)
    conv2d_backward_filter_mma_kernel(WindowProduct g, int part_pixels, bool store_pairs, const T* __restrict__ x,
                                      const T* __restrict__ dy, float* __restrict__ partials) {
  if constexpr (has_sm80) {
    constexpr int elements = chunk_elements<T>;
    constexpr int row_chunks = Tile::rows / elements, column_chunks = Tile::columns / elements;
    constexpr int row_depths = Tile::threads / row_chunks, column_depths = Tile::threads / column_chunks;  // at a time
    const int thread = static_cast<int>(threadIdx.x), across = (g.depth + Tile::columns - 1) / Tile::columns;
    const int group = static_cast<int>(blockIdx.y), part = static_cast<int>(blockIdx.z);
    const int first_filter = static_cast<int>(blockIdx.x) / across * Tile::rows;
    const int first_tap = static_cast<int>(blockIdx.x) % across * Tile::columns;
    const int begin = part * part_pixels, end = g.rows - begin < part_pixels ? g.rows : begin + part_pixels;

    const int row_chunk = thread % row_chunks, filter = first_filter + row_chunk * elements;
    const int column_chunk = thread % column_chunks, taps = first_tap + column_chunk * elements;
    const WindowTap first_of_chunk = window_tap(g, taps);

    const int row_place = edge_slice_place<row_chunks>(thread / row_chunks, row_chunk);
    const int column_place = edge_slice_place<column_chunks>(thread / column_chunks, column_chunk);

    const auto fetch = [&](int slice, uint4* a, uint4* b) {
      const int first_pixel = begin + slice * mma_slice_depth<T>;
#pragma unroll
      for (int i = 0; i < mma_slice_depth<T> / row_depths; ++i) {
        const int pixel = first_pixel + thread / row_chunks + i * row_depths;
        const unsigned place = static_cast<unsigned>(pixel) * g.out_C + group * g.columns + filter;
        uint4* to = a + further_along_edge<row_chunks>(row_place, 0, i * row_depths);
        if constexpr (by_chunks) {
          cp_async_or_zeros<16>(to, dy, place, pixel < end && filter < g.columns);
        } else {
          for (int e = 0; e < elements; ++e) {
            const bool exists = pixel < end && filter + e < g.columns;
            reinterpret_cast<T*>(to)[e] = exists ? dy[place + e] : T();
          }
        }
      }
#pragma unroll
      for (int i = 0; i < mma_slice_depth<T> / column_depths; ++i) {
        const int pixel = first_pixel + thread / column_chunks + i * column_depths;
        const WindowCorner corner = window_corner(g, group, pixel);
        uint4* to = b + further_along_edge<column_chunks>(column_place, 0, i * column_depths);
        if constexpr (by_chunks) {
          cp_async_or_zeros<16>(to, x, corner.place + first_of_chunk.place,
                                pixel < end && is_under_tap(g, corner, first_of_chunk));
        } else {
          for (int e = 0; e < elements; ++e) {
            const WindowTap tap = window_tap(g, taps + e);
            const bool exists = pixel < end && is_under_tap(g, corner, tap);
            reinterpret_cast<T*>(to)[e] = exists ? x[corner.place + tap.place] : T();
          }
        }
      }
    };
    MmaSums<Tile> sums = {};
    multiply_slices<T, Tile, Lies::along_edge, Lies::along_edge, by_chunks>(
        (end - begin + mma_slice_depth<T> - 1) / mma_slice_depth<T>, fetch, sums);

    float* group_partials = partials + (std::int64_t{part} * g.out_C + group * g.columns) * g.depth;
    for_each_pair(sums, [&](int row, int column, float sum, float next) {
      const int k = first_filter + row, tap = first_tap + column;
      if (k >= g.columns || tap >= g.depth) return;
      float* to = group_partials + k * g.depth + tap;
      if (store_pairs) {
        *wide<float2>(to) = float2{sum, next};
      } else {
        to[0] = sum;
        if (tap + 1 < g.depth) to[1] = next;
      }
    });
  } else {
    needs_sm80();
  }
}

// Thread i adds up element i of all parts, in their order, [k, (r,s), c], and writes it to [k, c, (r,s)].
__global__ void __launch_bounds__(elementwise_threads)
    sum_filter_parts_kernel(int count, int parts, int taps, Divisor depth, Divisor channels,
                            const float* __restrict__ partials, float* __restrict__ dw) {
  const std::int64_t thread = global_thread();
  if (thread >= count) return;
  const int i = static_cast<int>(thread), k = i / depth, tap = i % depth / channels, c = i % depth % channels;
  float sum = 0.0f;
  for (int part = 0; part < parts; ++part) sum += partials[std::int64_t{part} * count + i];
  dw[(k * channels + c) * taps + tap] = sum;
}

// Tiles of 128 rows, and columns, where there are more than 64 of them: the parts fill the device.
static MmaTileSize filter_gradient_tile(const Conv2dGeometry& g) {
  if (g.filters_per_group() <= 64) return MmaTileSize::small;
  return g.channels_per_group() * g.R * g.S <= 64 ? MmaTileSize::narrow : MmaTileSize::large;
}

// Parts for two blocks on each of 132 multiprocessors, none shorter than 512 pixels, and all of whole slices.
static std::int64_t pixels_per_filter_part(const Conv2dGeometry& g) {
  const std::int64_t wanted = 264, shortest = 512, whole = 32;
  const std::int64_t columns = g.channels_per_group() * g.R * g.S, pixels = g.N * g.P * g.Q;
  std::int64_t tiles = 0;
  with_mma_tile(filter_gradient_tile(g), [&]<class Tile>(std::type_identity<Tile>) {
    tiles = g.groups * ((g.filters_per_group() + Tile::rows - 1) / Tile::rows) *
            ((columns + Tile::columns - 1) / Tile::columns);
  });
  const std::int64_t length = std::max(shortest, (pixels * tiles + wanted - 1) / wanted);
  return (length + whole - 1) / whole * whole;
}
static std::int64_t filter_parts(const Conv2dGeometry& g) {
  const std::int64_t length = pixels_per_filter_part(g);
  return (g.N * g.P * g.Q + length - 1) / length;
}

static bool part_is_dw(const Conv2dGeometry& g) { return filter_parts(g) == 1 && g.R * g.S == 1; }

std::size_t conv2d_backward_filter_mma_workspace(const Conv2dGeometry& g) {
  if (part_is_dw(g)) return 0;
  const std::int64_t weights = g.K * g.channels_per_group() * g.R * g.S;
  return static_cast<std::size_t>(filter_parts(g) * weights) * sizeof(float);
}

template <class T, class Tile, bool by_chunks>
static void launch_conv2d_backward_filter_mma(Stream& stream, const Conv2dGeometry& geometry, const T* x, const T* dy,
                                              float* partials) {
  const WindowProduct g = conv2d_forward_windows(geometry);
  const auto kernel = conv2d_backward_filter_mma_kernel<T, Tile, by_chunks>;
  const std::int64_t down = (std::int64_t{g.columns} + Tile::rows - 1) / Tile::rows;
  const std::int64_t across = (std::int64_t{g.depth} + Tile::columns - 1) / Tile::columns;
  const dim3 grid(static_cast<unsigned>(down * across), static_cast<unsigned>(geometry.groups),
                  static_cast<unsigned>(filter_parts(geometry)));
  allow_dynamic_shared(stream, kernel, Tile::shared_bytes);
  launch(stream, "conv2d_backward_filter_mma", kernel, grid, dim3(Tile::threads), Tile::shared_bytes, g,
         static_cast<int>(std::min(pixels_per_filter_part(geometry), std::int64_t{g.rows})),
         lies_in_chunks(partials, g.depth, 2), x, dy, partials);
}

template <class T>
void conv2d_backward_filter_mma(Stream& stream, const Conv2dGeometry& g, const T* x, const T* dy, float* dw,
                                float* partials, MmaTileSize size) {
  const std::int64_t channels = g.channels_per_group();
  const bool by_chunks =
      lies_in_chunks(x, channels, chunk_elements<T>) && lies_in_chunks(dy, g.filters_per_group(), chunk_elements<T>);
  const MmaTileSize chosen = size == MmaTileSize::by_shape ? filter_gradient_tile(g) : size;
  with_mma_kernel<T>(
      chosen, by_chunks, [&]<class Tile, bool chunks>(std::type_identity<Tile>, std::bool_constant<chunks>) {
        launch_conv2d_backward_filter_mma<T, Tile, chunks>(stream, g, x, dy, part_is_dw(g) ? dw : partials);
      });
  if (part_is_dw(g)) return;
  const std::int64_t depth = channels * g.R * g.S, weights = g.K * depth;
  launch(stream, "conv2d_backward_filter_sum", sum_filter_parts_kernel, elementwise_blocks(weights),
         dim3(elementwise_threads), 0, static_cast<int>(weights), static_cast<int>(filter_parts(g)),
         static_cast<int>(g.R * g.S), Divisor(depth), Divisor(channels), partials, dw);
}

FOVEA_INSTANTIATE_STORAGE(conv2d_backward_filter_mma);

}  // namespace fovea::FOVEA_TARGET
