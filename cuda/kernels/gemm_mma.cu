// SPDX-License-Identifier: Apache-2.0
//
// Linear layers on tensor cores (core/ops/linear.h): three products of matrices that are stored row by row.
//
//   forward   y[n,o]  = bias[o] + sum over i of x[n,i] * w[o,i]      both operands lie along the depth (mma_slice.cuh)
//   data      dx[n,i] = sum over o of dy[n,o] * w[o,i]               dy along the depth, w along the edge
//   weights   dw[o,i] = sum over n of dy[n,o] * x[n,i]               both along the edge
//
// The first and the last are convolutions of images of one pixel with filters of one tap, in the very same memory, and
// run as such (conv2d_forward_mma.cu, conv2d_backward_filter_mma.cu). So would the second, but for the order of w: a
// convolution brings its filters into another order first, which is little beside its images; here w is what is large,
// so this kernel takes it as it lies. bf16, f16, and float as one tf32 or two, as there.
//
// A block computes 128 or 64 samples times 128 or 64 inputs (mma_tile.cuh). Thread t copies chunk t % 4 of the rows of
// dy, and one chunk of the columns of w for several depths; by elements where a chunk is not aligned. Each thread stores
// two neighbouring results at a time, where I is even.
#include "core/ops/linear.h"
#include "cuda/kernels/kernels_mma.h"
#include "cuda/kernels/mma_choice.cuh"
#include "cuda/runtime/launch.h"

namespace fovea::FOVEA_TARGET {

template <class T>
struct alignas(2 * sizeof(T)) ResultPair {
  T first, second;
};

template <class T, class Tile, bool by_chunks>
__global__ void __launch_bounds__(Tile::threads, mma_least_blocks<T, Tile>)
    linear_backward_data_mma_kernel(int N, int I, int O, bool store_pairs, const T* __restrict__ dy,
                                    const T* __restrict__ w, const T* __restrict__ gate, T* __restrict__ dx) {
  if constexpr (has_sm80) {
    constexpr int elements = chunk_elements<T>, edges = Tile::threads / slice_chunks;
    constexpr int column_chunks = Tile::columns / elements, depths = Tile::threads / column_chunks;
    const int thread = static_cast<int>(threadIdx.x);
    const int first_row = static_cast<int>(blockIdx.y) * Tile::rows;
    const int first_column = static_cast<int>(blockIdx.x) * Tile::columns;

    // Chunk `to` from element (row, column) of a matrix of `rows` rows of `length` on; zeros where it has none.
    const auto load = [&](uint4* to, const T* matrix, int row, int rows, int column, int length) {
      if constexpr (by_chunks) {
        cp_async_or_zeros<16>(to, matrix, static_cast<unsigned>(row) * length + column, row < rows && column < length);
      } else {
        for (int e = 0; e < elements; ++e) {
          const bool exists = row < rows && column + e < length;
          reinterpret_cast<T*>(to)[e] = exists ? matrix[row * length + column + e] : T();
        }
      }
    };
    const auto fetch = [&](int slice, uint4* a, uint4* b) {
      const int first_depth = slice * mma_slice_depth<T>;
#pragma unroll
      for (int i = 0; i < Tile::rows / edges; ++i) {
        const int edge = thread / slice_chunks + i * edges, chunk = thread % slice_chunks;
        load(a + depth_slice_place(edge, chunk), dy, first_row + edge, N, first_depth + chunk * elements, O);
      }
#pragma unroll
      for (int i = 0; i < mma_slice_depth<T> / depths; ++i) {
        const int depth = thread / column_chunks + i * depths, chunk = thread % column_chunks;
        load(b + edge_slice_place<column_chunks>(depth, chunk), w, first_depth + depth, O,
             first_column + chunk * elements, I);
      }
    };
    MmaSums<Tile> sums = {};
    multiply_slices<T, Tile, Lies::along_depth, Lies::along_edge, by_chunks>(
        (O + mma_slice_depth<T> - 1) / mma_slice_depth<T>, fetch, sums);

    for_each_pair(sums, [&](int row, int column, float sum, float next) {
      const int n = first_row + row, i = first_column + column;
      if (n >= N || i >= I) return;
      const int place = n * I + i;
      const T first = gated(gate, place, from_float<T>(sum));
      if (store_pairs) {
        const T second = gated(gate, place + 1, from_float<T>(next));
        *wide<ResultPair<T>>(dx + place) = {first, second};
      } else {
        dx[place] = first;
        if (i + 1 < I) dx[place + 1] = gated(gate, place + 1, from_float<T>(next));
      }
    });
  } else {
    needs_sm80();
  }
}

// A linear layer as a convolution of images of one pixel.
static Conv2dGeometry one_pixel(const LinearGeometry& g) {
  return {.N = g.N,
          .C = g.I,
          .H = 1,
          .W = 1,
          .K = g.O,
          .R = 1,
          .S = 1,
          .P = 1,
          .Q = 1,
          .stride_h = 1,
          .stride_w = 1,
          .pad_top = 0,
          .pad_left = 0,
          .dilation_h = 1,
          .dilation_w = 1,
          .groups = 1};
}

template <class T>
void linear_forward_mma(Stream& stream, const LinearGeometry& g, bool relu, const T* x, const T* w, const float* bias,
                        T* y, MmaTileSize size) {
  conv2d_forward_mma(stream, one_pixel(g), relu, x, w, bias, y, size);
}

std::size_t linear_backward_weight_mma_workspace(const LinearGeometry& g) {
  return conv2d_backward_filter_mma_workspace(one_pixel(g));
}

template <class T>
void linear_backward_weight_mma(Stream& stream, const LinearGeometry& g, const T* x, const T* dy, float* dw,
                                float* partials, MmaTileSize size) {
  conv2d_backward_filter_mma(stream, one_pixel(g), x, dy, dw, partials, size);
}

template <class T, class Tile, bool by_chunks>
static void launch_linear_backward_data_mma(Stream& stream, const LinearGeometry& g, const T* gate, const T* dy,
                                            const T* w, T* dx) {
  const auto kernel = linear_backward_data_mma_kernel<T, Tile, by_chunks>;
  const dim3 grid(static_cast<unsigned>((g.I + Tile::columns - 1) / Tile::columns),
                  static_cast<unsigned>((g.N + Tile::rows - 1) / Tile::rows));
  allow_dynamic_shared(stream, kernel, Tile::shared_bytes);
  launch(stream, "linear_backward_data_mma", kernel, grid, dim3(Tile::threads), Tile::shared_bytes,
         static_cast<int>(g.N), static_cast<int>(g.I), static_cast<int>(g.O), lies_in_chunks(dx, g.I, 2), dy, w, gate,
         dx);
}

template <class T>
void linear_backward_data_mma(Stream& stream, const LinearGeometry& g, const T* gate, const T* dy, const T* w, T* dx,
                              MmaTileSize size) {
  const bool by_chunks = lies_in_chunks(dy, g.O, chunk_elements<T>) && lies_in_chunks(w, g.I, chunk_elements<T>);
  if (size == MmaTileSize::by_shape) size = choose_mma_tile(g.N, g.I, 1);
  with_mma_kernel<T>(size, by_chunks,
                     [&]<class Tile, bool chunks>(std::type_identity<Tile>, std::bool_constant<chunks>) {
                       launch_linear_backward_data_mma<T, Tile, chunks>(stream, g, gate, dy, w, dx);
                     });
}

FOVEA_INSTANTIATE_STORAGE(linear_forward_mma);
FOVEA_INSTANTIATE_STORAGE(linear_backward_data_mma);
FOVEA_INSTANTIATE_STORAGE(linear_backward_weight_mma);

}  // namespace fovea::FOVEA_TARGET
