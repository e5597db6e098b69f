// SPDX-License-Identifier: Apache-2.0
//
// Gradient of a convolution with respect to its input as an implicit matrix product (core/ops/conv2d.h, notation in
// conv2d_index.cuh).
//
//   dx[c, (n,h,w)] = sum over d = (k,r,s) of w[k,c,r,s] * touching[d, (n,h,w)]
//   touching[(k,r,s), (n,h,w)] = dy[n,k,p,q] of the window that holds (h,w) under its tap (r,s), or 0 if there is none:
//                                p = (h + pad_top - r*dilation_h) / stride_h, when that is whole and in [0, P)
//
// Block (x, y, z) computes channels 64*y... and input pixels 64*x... of group z, as gemm_tile.cuh explains: a gather,
// so no two threads write one element and no atomics are needed. Neighbouring threads gather neighbouring pixels of dy.
// With stride s only one tap in s*s finds a window; the others multiply zeros. What the ReLU before, if there is one,
// holds back is stored as 0 (epilogue.cuh).
#include "cuda/kernels/conv2d_index.cuh"
#include "cuda/kernels/epilogue.cuh"
#include "cuda/kernels/gemm_tile.cuh"
#include "cuda/kernels/kernels.h"
#include "cuda/runtime/launch.h"

namespace fovea::FOVEA_TARGET {

// Which window, along one axis, has its tap at `offset` over padded input coordinate `padded`; -1 if none.
__device__ __forceinline__ int window_over(int padded, int offset, const Divisor& stride, int windows) {
  const int start = padded - offset;
  if (start < 0 || start % stride != 0 || start / stride >= windows) return -1;
  return start / stride;
}

template <class T>
__global__ void __launch_bounds__(tile_threads)
    conv2d_backward_data_implicit_gemm_kernel(Conv2dIndex g, const T* __restrict__ dy, const T* __restrict__ w,
                                              const T* __restrict__ gate, T* __restrict__ dx) {
  FOVEA_SHARED(float4, filter_slice, [slice_depth][slice_quads]);
  FOVEA_SHARED(float4, touching_slice, [slice_depth][slice_quads]);
  const int group = static_cast<int>(blockIdx.z);
  const int first_channel = static_cast<int>(blockIdx.y) * tile_edge;
  const int first_pixel = static_cast<int>(blockIdx.x) * tile_edge;
  const int depth = g.filters * g.RS, pixels = g.N * g.HW;
  const T* group_filters = w + group * g.filters * g.channels * g.RS;

  // load_along_edge gives each thread the same input pixel in every slice.
  const int pixel_index = first_pixel + static_cast<int>(threadIdx.x) % tile_edge;
  const Pixel pixel = pixel_at(pixel_index, g.HW);
  const int padded_h = pixel.position / g.W + g.pad_top, padded_w = pixel.position % g.W + g.pad_left;
  const T* group_dy = dy + (static_cast<std::int64_t>(pixel.n) * g.K + group * g.filters) * g.PQ;

  MicroTile sums = {};
  for (int d0 = 0; d0 < depth; d0 += slice_depth) {
    load_along_depth(filter_slice, [&](int edge, int d) {
      const int channel = first_channel + edge;
      if (channel >= g.channels || d0 + d >= depth) return 0.0f;
      const int k = (d0 + d) / g.RS, rs = (d0 + d) % g.RS;
      return to_float(group_filters[(k * g.channels + channel) * g.RS + rs]);
    });
    load_along_edge(touching_slice, [&](int, int d) {
      if (pixel_index >= pixels || d0 + d >= depth) return 0.0f;
      const Tap tap = tap_at(g, d0 + d);
      const int p = window_over(padded_h, tap.r * g.dilation_h, g.stride_h, g.P);
      const int q = window_over(padded_w, tap.s * g.dilation_w, g.stride_w, g.Q);
      return p >= 0 && q >= 0 ? to_float(group_dy[tap.channel * g.PQ + p * g.Q + q]) : 0.0f;
    });
    __syncthreads();
    multiply_slices(filter_slice, touching_slice, sums);
    __syncthreads();
  }

  store_micro_tile(sums, [&](int row, int column, float sum) {
    if (first_channel + row >= g.channels || first_pixel + column >= pixels) return;
    const Pixel out = pixel_at(first_pixel + column, g.HW);
    const int c = group * g.channels + first_channel + row;
    const int i = (out.n * g.C + c) * g.HW + out.position;
    dx[i] = gated(gate, i, from_float<T>(sum));
  });
}

template <class T>
void conv2d_backward_data_implicit_gemm(Stream& stream, const Conv2dGeometry& g, const T* gate, const T* dy, const T* w,
                                        T* dx) {
  const dim3 grid(tiles(g.N * g.H * g.W), tiles(g.channels_per_group()), static_cast<unsigned>(g.groups));
  launch(stream, "conv2d_backward_data_implicit_gemm", conv2d_backward_data_implicit_gemm_kernel<T>, grid,
         dim3(tile_threads), 0, Conv2dIndex(g), dy, w, gate, dx);
}

FOVEA_INSTANTIATE_STORAGE(conv2d_backward_data_implicit_gemm);

}  // namespace fovea::FOVEA_TARGET
