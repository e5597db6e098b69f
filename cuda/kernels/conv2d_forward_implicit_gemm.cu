// SPDX-License-Identifier: Apache-2.0
//
// Convolution forward as an implicit matrix product (core/ops/conv2d.h, notation in conv2d_index.cuh).
//
//   y[k, (n,p,q)] = bias[k] + sum over d = (c,r,s) of w[k, d] * patches[d, (n,p,q)]
//   patches[(c,r,s), (n,p,q)] = x[n, c, p*stride_h - pad_top + r*dilation_h, ...], 0 in the padding
//   and where `relu`, the ReLU of y (epilogue.cuh)
//
// Block (x, y, z) computes filters 64*y... and output pixels 64*x... of group z, as gemm_tile.cuh explains. `patches`
// exists only 16 x 64 elements at a time, in shared memory. Neighbouring threads gather neighbouring pixels, which lie
// side by side in x, and all strides, paddings, dilations and groups are one path.
// Faster than the direct kernel because each gathered x serves 64 filters and each w serves 64 pixels. With fewer than
// 64 filters per group part of the tile idles.
#include "cuda/kernels/conv2d_index.cuh"
#include "cuda/kernels/epilogue.cuh"
#include "cuda/kernels/gemm_tile.cuh"
#include "cuda/kernels/kernels.h"
#include "cuda/runtime/launch.h"

namespace fovea::FOVEA_TARGET {

template <class T>
__global__ void __launch_bounds__(tile_threads)
    conv2d_forward_implicit_gemm_kernel(Conv2dIndex g, bool relu, const T* __restrict__ x, const T* __restrict__ w,
                                        const float* __restrict__ bias, T* __restrict__ y) {
  FOVEA_SHARED(float4, filter_slice, [slice_depth][slice_quads]);
  FOVEA_SHARED(float4, patch_slice, [slice_depth][slice_quads]);
  const int group = static_cast<int>(blockIdx.z);
  const int first_filter = static_cast<int>(blockIdx.y) * tile_edge;
  const int first_pixel = static_cast<int>(blockIdx.x) * tile_edge;
  const int depth = g.channels * g.RS, pixels = g.N * g.PQ;
  const T* group_filters = w + group * g.filters * depth;

  // load_along_edge gives each thread the same pixel in every slice: find its window once.
  const int pixel = first_pixel + static_cast<int>(threadIdx.x) % tile_edge;
  const Window<T> window = window_at(g, x, group, pixel);

  MicroTile sums = {};
  for (int d0 = 0; d0 < depth; d0 += slice_depth) {
    load_along_depth(filter_slice, [&](int edge, int d) {
      const bool exists = first_filter + edge < g.filters && d0 + d < depth;
      return exists ? to_float(group_filters[(first_filter + edge) * depth + d0 + d]) : 0.0f;
    });
    load_along_edge(patch_slice, [&](int, int d) {
      const bool exists = pixel < pixels && d0 + d < depth;
      return exists ? window_element(g, window, tap_at(g, d0 + d)) : 0.0f;
    });
    __syncthreads();
    multiply_slices(filter_slice, patch_slice, sums);
    __syncthreads();
  }

  store_micro_tile(sums, [&](int row, int column, float sum) {
    if (first_filter + row >= g.filters || first_pixel + column >= pixels) return;
    const Pixel out = pixel_at(first_pixel + column, g.PQ);
    const int k = group * g.filters + first_filter + row;
    y[(out.n * g.K + k) * g.PQ + out.position] = from_float<T>(relu_if(relu, bias != nullptr ? sum + bias[k] : sum));
  });
}

template <class T>
void conv2d_forward_implicit_gemm(Stream& stream, const Conv2dGeometry& g, bool relu, const T* x, const T* w,
                                  const float* bias, T* y) {
  const dim3 grid(tiles(g.N * g.P * g.Q), tiles(g.filters_per_group()), static_cast<unsigned>(g.groups));
  launch(stream, "conv2d_forward_implicit_gemm", conv2d_forward_implicit_gemm_kernel<T>, grid, dim3(tile_threads), 0,
         Conv2dIndex(g), relu, x, w, bias, y);
}

FOVEA_INSTANTIATE_STORAGE(conv2d_forward_implicit_gemm);

}  // namespace fovea::FOVEA_TARGET
