// SPDX-License-Identifier: Apache-2.0
//
// Convolution forward, the direct way (core/ops/conv2d.h).
//
//   y[n,k,p,q] = bias[k] + sum over c,r,s of x[n, c, p*stride_h - pad_top + r*dilation_h, ...] * w[k,c,r,s]
//   and where `relu`, the ReLU of that (epilogue.cuh)
//
//   x [N, C, H, W]    w [K, C/groups, R, S]    y [N, K, P, Q]
//
// Thread i computes element i of y with the loops of the formula. Neighbouring threads compute neighbouring q, so they
// read neighbouring x and the same w (one broadcast). This is the kernel to read first. It is slow: each product needs
// two loads, though every x is used by up to K*R*S threads; conv2d_forward_implicit_gemm.cu shares them.
#include "cuda/kernels/elementwise.cuh"
#include "cuda/kernels/epilogue.cuh"
#include "cuda/kernels/kernels.h"
#include "cuda/runtime/launch.h"

namespace fovea::FOVEA_TARGET {

template <class T>
__global__ void __launch_bounds__(elementwise_threads)
    conv2d_forward_direct_kernel(Conv2dGeometry g, bool relu, const T* __restrict__ x, const T* __restrict__ w,
                                 const float* __restrict__ bias, T* __restrict__ y) {
  const std::int64_t i = global_thread();
  if (i >= g.N * g.K * g.P * g.Q) return;
  const std::int64_t q = i % g.Q, p = i / g.Q % g.P, k = i / (g.Q * g.P) % g.K, n = i / (g.Q * g.P * g.K);

  const std::int64_t channels = g.C / g.groups;  // that filter k sees
  const std::int64_t first_channel = k / (g.K / g.groups) * channels;
  float sum = 0.0f;
  for (std::int64_t c = 0; c < channels; ++c) {
    for (std::int64_t r = 0; r < g.R; ++r) {
      const std::int64_t h = p * g.stride_h - g.pad_top + r * g.dilation_h;
      if (h < 0 || h >= g.H) continue;
      for (std::int64_t s = 0; s < g.S; ++s) {
        const std::int64_t column = q * g.stride_w - g.pad_left + s * g.dilation_w;
        if (column < 0 || column >= g.W) continue;
        sum += to_float(x[((n * g.C + first_channel + c) * g.H + h) * g.W + column]) *
               to_float(w[((k * channels + c) * g.R + r) * g.S + s]);
      }
    }
  }
  y[i] = from_float<T>(relu_if(relu, bias != nullptr ? sum + bias[k] : sum));
}

template <class T>
void conv2d_forward_direct(Stream& stream, const Conv2dGeometry& g, bool relu, const T* x, const T* w,
                           const float* bias, T* y) {
  launch(stream, "conv2d_forward_direct", conv2d_forward_direct_kernel<T>, elementwise_blocks(g.N * g.K * g.P * g.Q),
         dim3(elementwise_threads), 0, g, relu, x, w, bias, y);
}

FOVEA_INSTANTIATE_STORAGE(conv2d_forward_direct);

}  // namespace fovea::FOVEA_TARGET
