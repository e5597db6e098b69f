// SPDX-License-Identifier: Apache-2.0
//
// Gradient of a convolution with respect to its input, the direct way (core/ops/conv2d.h).
//
//   dx[n,c,h,w] = sum over k,r,s of dy[n,k,p,q] * w[k,c,r,s]
//                 where p*stride_h - pad_top + r*dilation_h = h,  q*stride_w - pad_left + s*dilation_w = w
//
//   dy [N, K, P, Q]    w [K, C/groups, R, S]    dx [N, C, H, W]
//
// Thread i computes element i of dx: a gather. The textbook writes this gradient as a scatter (each dy adds to a window
// of dx), which needs atomic additions in an unpredictable order; solving the two equations for p and q instead lets
// one thread own each sum. A tap (r, s) contributes when p and q come out whole and inside the output. What the ReLU
// before, if there is one, holds back is stored as 0 (epilogue.cuh).
#include "cuda/kernels/elementwise.cuh"
#include "cuda/kernels/epilogue.cuh"
#include "cuda/kernels/kernels.h"
#include "cuda/runtime/launch.h"

namespace fovea::FOVEA_TARGET {

template <class T>
__global__ void __launch_bounds__(elementwise_threads, no_spills)
    conv2d_backward_data_direct_kernel(Conv2dGeometry g, const T* __restrict__ dy, const T* __restrict__ w,
                                       const T* __restrict__ gate, T* __restrict__ dx) {
  const std::int64_t i = global_thread();
  if (i >= g.N * g.C * g.H * g.W) return;
  const std::int64_t column = i % g.W, h = i / g.W % g.H, c = i / (g.W * g.H) % g.C, n = i / (g.W * g.H * g.C);

  const std::int64_t channels = g.C / g.groups, filters = g.K / g.groups;
  const std::int64_t first_filter = c / channels * filters;  // of the filters that see channel c
  float sum = 0.0f;
  for (std::int64_t k = first_filter; k < first_filter + filters; ++k) {
    for (std::int64_t r = 0; r < g.R; ++r) {
      const std::int64_t p_times_stride = h + g.pad_top - r * g.dilation_h;
      const std::int64_t p = p_times_stride / g.stride_h;
      if (p_times_stride < 0 || p_times_stride % g.stride_h != 0 || p >= g.P) continue;
      for (std::int64_t s = 0; s < g.S; ++s) {
        const std::int64_t q_times_stride = column + g.pad_left - s * g.dilation_w;
        const std::int64_t q = q_times_stride / g.stride_w;
        if (q_times_stride < 0 || q_times_stride % g.stride_w != 0 || q >= g.Q) continue;
        sum += to_float(dy[((n * g.K + k) * g.P + p) * g.Q + q]) *
               to_float(w[((k * channels + c % channels) * g.R + r) * g.S + s]);
      }
    }
  }
  dx[i] = gated(gate, i, from_float<T>(sum));
}

template <class T>
void conv2d_backward_data_direct(Stream& stream, const Conv2dGeometry& g, const T* gate, const T* dy, const T* w,
                                 T* dx) {
  launch(stream, "conv2d_backward_data_direct", conv2d_backward_data_direct_kernel<T>,
         elementwise_blocks(g.N * g.C * g.H * g.W), dim3(elementwise_threads), 0, g, dy, w, gate, dx);
}

FOVEA_INSTANTIATE_STORAGE(conv2d_backward_data_direct);

}  // namespace fovea::FOVEA_TARGET
