// SPDX-License-Identifier: Apache-2.0
//
// Gradient of a convolution with respect to its filters as an implicit matrix product (core/ops/conv2d.h, notation in
// conv2d_index.cuh).
//
//   dw[k, (c,r,s)] = sum over d = (n,p,q) of dy[k, d] * patches[(c,r,s), d]
//
// The result is small (64 x 150 for a LeNet layer) and the sum is long (N*P*Q), so tiles of the result alone would
// leave the GPU idle: the sum is cut into `splits` parts. Block (x, y, z) computes taps 64*x... and filters 64*y... of
// group z / splits over part z % splits, as gemm_tile.cuh explains, into partials[part]; a second kernel adds the parts
// in their order. Atomic additions would need no workspace, but would add in another order on every run. The number
// of parts depends on the shapes only, never on the device, so every GPU and the emulator compute the same sums.
#include <algorithm>

#include "cuda/kernels/conv2d_index.cuh"
#include "cuda/kernels/elementwise.cuh"
#include "cuda/kernels/gemm_tile.cuh"
#include "cuda/kernels/kernels.h"
#include "cuda/runtime/launch.h"

namespace fovea::FOVEA_TARGET {

constexpr std::int64_t wanted_blocks = 512;  // about four per multiprocessor of a large GPU
constexpr std::int64_t shortest_part = 256;  // pixels: less is not worth a block

template <class T>
__global__ void __launch_bounds__(tile_threads)
    conv2d_backward_filter_implicit_gemm_kernel(Conv2dIndex g, int splits, int part_pixels, const T* __restrict__ x,
                                                const T* __restrict__ dy, float* __restrict__ partials) {
  FOVEA_SHARED(float4, dy_slice, [slice_depth][slice_quads]);
  FOVEA_SHARED(float4, patch_slice, [slice_depth][slice_quads]);
  const int group = static_cast<int>(blockIdx.z) / splits, part = static_cast<int>(blockIdx.z) % splits;
  const int first_filter = static_cast<int>(blockIdx.y) * tile_edge;
  const int first_tap = static_cast<int>(blockIdx.x) * tile_edge;
  const int taps = g.channels * g.RS, pixels = g.N * g.PQ;
  const int begin = part * part_pixels, end = pixels - begin < part_pixels ? pixels : begin + part_pixels;

  MicroTile sums = {};
  for (int d0 = begin; d0 < end; d0 += slice_depth) {
    // load_along_depth gives each thread one output pixel per slice, for both operands.
    const int pixel = d0 + static_cast<int>(threadIdx.x) % slice_depth;
    const Pixel out = pixel_at(pixel, g.PQ);
    const std::int64_t plane = static_cast<std::int64_t>(out.n) * g.K + group * g.filters;
    const T* pixel_dy = dy + plane * g.PQ + out.position;
    const Window<T> window = window_at(g, x, group, pixel);
    load_along_depth(dy_slice, [&](int edge, int) {
      const int filter = first_filter + edge;
      return filter < g.filters && pixel < end ? to_float(pixel_dy[filter * g.PQ]) : 0.0f;
    });
    load_along_depth(patch_slice, [&](int edge, int) {
      const int tap = first_tap + edge;
      return tap < taps && pixel < end ? window_element(g, window, tap_at(g, tap)) : 0.0f;
    });
    __syncthreads();
    multiply_slices(dy_slice, patch_slice, sums);
    __syncthreads();
  }

  float* group_partials = partials + (static_cast<std::int64_t>(part) * g.K + group * g.filters) * taps;
  store_micro_tile(sums, [&](int row, int column, float sum) {
    const int filter = first_filter + row, tap = first_tap + column;
    if (filter < g.filters && tap < taps) group_partials[filter * taps + tap] = sum;
  });
}

// Thread i adds up element i of all parts, in their order.
__global__ void __launch_bounds__(elementwise_threads)
    sum_partials_kernel(std::int64_t count, int splits, const float* __restrict__ partials, float* __restrict__ dw) {
  const std::int64_t i = global_thread();
  if (i >= count) return;
  float sum = 0.0f;
  for (int part = 0; part < splits; ++part) sum += partials[part * count + i];
  dw[i] = sum;
}

static std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

static std::int64_t pixels_per_part(const Conv2dGeometry& g) {
  const std::int64_t taps = g.channels_per_group() * g.R * g.S, pixels = g.N * g.P * g.Q;
  const std::int64_t result_tiles = g.groups * tiles(g.filters_per_group()) * tiles(taps);
  return std::max(shortest_part, ceil_div(pixels * result_tiles, wanted_blocks));
}

std::size_t conv2d_backward_filter_implicit_gemm_workspace(const Conv2dGeometry& g) {
  const std::int64_t splits = ceil_div(g.N * g.P * g.Q, pixels_per_part(g));
  const std::int64_t weights = g.K * g.channels_per_group() * g.R * g.S;
  return splits == 1 ? 0 : static_cast<std::size_t>(splits * weights) * sizeof(float);
}

template <class T>
void conv2d_backward_filter_implicit_gemm(Stream& stream, const Conv2dGeometry& g, const T* x, const T* dy, float* dw,
                                          float* partials) {
  const std::int64_t taps = g.channels_per_group() * g.R * g.S;
  const std::int64_t part_pixels = pixels_per_part(g);
  const std::int64_t splits = ceil_div(g.N * g.P * g.Q, part_pixels);
  const dim3 grid(tiles(taps), tiles(g.filters_per_group()), static_cast<unsigned>(g.groups * splits));
  launch(stream, "conv2d_backward_filter_implicit_gemm", conv2d_backward_filter_implicit_gemm_kernel<T>, grid,
         dim3(tile_threads), 0, Conv2dIndex(g), static_cast<int>(splits), static_cast<int>(part_pixels), x, dy,
         splits == 1 ? dw : partials);
  if (splits == 1) return;
  const std::int64_t weights = g.K * taps;
  launch(stream, "conv2d_backward_filter_sum", sum_partials_kernel, elementwise_blocks(weights),
         dim3(elementwise_threads), 0, weights, static_cast<int>(splits), partials, dw);
}

FOVEA_INSTANTIATE_STORAGE(conv2d_backward_filter_implicit_gemm);

}  // namespace fovea::FOVEA_TARGET
