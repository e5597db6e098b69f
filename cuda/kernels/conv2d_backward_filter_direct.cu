// SPDX-License-Identifier: Apache-2.0
//
// Gradient of a convolution with respect to its filters, the direct way (core/ops/conv2d.h).
//
//   dw[k,c,r,s] = sum over n,p,q of dy[n,k,p,q] * x[n, c, p*stride_h - pad_top + r*dilation_h, ...]
//
//   x [N, C, H, W]    dy [N, K, P, Q]    dw [K, C/groups, R, S]
//
// Thread i computes element i of dw with the loops of the formula. There are few filter weights and each sum is long
// (N*P*Q products), so most of the GPU idles; conv2d_backward_filter_implicit_gemm.cu splits the sums. Indices have 32
// bits (conv2d_index.cuh): with 64 these loops spilled registers (sm_90, f16).
#include "cuda/kernels/conv2d_index.cuh"
#include "cuda/kernels/elementwise.cuh"
#include "cuda/kernels/kernels.h"
#include "cuda/runtime/launch.h"

namespace fovea::FOVEA_TARGET {

template <class T>
__global__ void __launch_bounds__(elementwise_threads)
    conv2d_backward_filter_direct_kernel(Conv2dIndex g, const T* __restrict__ x, const T* __restrict__ dy,
                                         float* __restrict__ dw) {
  const std::int64_t element = global_thread();
  if (element >= static_cast<std::int64_t>(g.K) * g.channels * g.RS) return;
  const int i = static_cast<int>(element);
  const int s = i % g.S, r = i / g.S % g.R, c = i / g.RS % g.channels, k = i / g.RS / g.channels;

  const int channel = k / g.filters * g.channels + c;  // in x
  float sum = 0.0f;
  for (int n = 0; n < g.N; ++n) {
    for (int p = 0; p < g.P; ++p) {
      const int h = p * g.stride_h - g.pad_top + r * g.dilation_h;
      if (h < 0 || h >= g.H) continue;
      for (int q = 0; q < g.Q; ++q) {
        const int column = q * g.stride_w - g.pad_left + s * g.dilation_w;
        if (column < 0 || column >= g.W) continue;
        sum += to_float(dy[((n * g.K + k) * g.P + p) * g.Q + q]) *
               to_float(x[((n * g.C + channel) * g.H + h) * g.W + column]);
      }
    }
  }
  dw[i] = sum;
}

template <class T>
void conv2d_backward_filter_direct(Stream& stream, const Conv2dGeometry& g, const T* x, const T* dy, float* dw) {
  launch(stream, "conv2d_backward_filter_direct", conv2d_backward_filter_direct_kernel<T>,
         elementwise_blocks(g.K * (g.C / g.groups) * g.R * g.S), dim3(elementwise_threads), 0, Conv2dIndex(g), x, dy,
         dw);
}

FOVEA_INSTANTIATE_STORAGE(conv2d_backward_filter_direct);

}  // namespace fovea::FOVEA_TARGET
