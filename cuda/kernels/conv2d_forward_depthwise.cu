// SPDX-License-Identifier: Apache-2.0
//
// Depthwise convolution forward, images in NHWC (core/ops/conv2d.h with groups = C).
//
//   y[n,p,q,k] = bias[k] + sum over r,s of x[n, p*stride_h - pad_top + r*dilation_h, ..., k/M] * w[r,s,k]
//   and where `relu`, the ReLU of that (epilogue.cuh)
//
//   x [N, H, W, C]     w [R, S, K]     y [N, P, Q, K]     K = M*C (conv2d_depthwise.cuh)
//
// Thread i computes V neighbouring filters of depthwise_run neighbouring outputs of a row, and keeps their sums in registers.
// Neighbouring threads take the next filters, so that a warp reads and writes whole lines.
//
// What it takes at best is x once and y once from memory: with a stride of 1, a window of 3 x 3 in bf16 is 18 operations for
// 4 bytes, where an H100 has time for 80 on its ordinary cores (67 TFLOP/s beside 3.35 TB/s). Windows overlap: each x is read
// by up to R*S threads of the same block or of blocks that run at about the same time, so that caches serve all but the first.
// There 16 bytes of y cost 9 accesses of 16 bytes to x and 9 / depthwise_run to w; with one output a thread, w would cost as
// many as x.
#include "cuda/kernels/conv2d_depthwise.cuh"
#include "cuda/kernels/elementwise.cuh"
#include "cuda/kernels/epilogue.cuh"
#include "cuda/kernels/kernels_nhwc.h"
#include "cuda/runtime/launch.h"

namespace fovea::FOVEA_TARGET {

template <int V, class T>
__global__ void __launch_bounds__(elementwise_threads, depthwise_blocks)
    conv2d_forward_depthwise_kernel(Conv2dIndex g, DepthwisePlaces places, Divisor multiplier, bool relu,
                                    const T* __restrict__ x, const T* __restrict__ rsk, const float* __restrict__ bias,
                                    T* __restrict__ y) {
  const std::int64_t i = global_thread();
  if (i >= places.threads) return;
  const ChannelsPlace out = channels_place<V>(static_cast<int>(i), places.rows, places.runs, places.vectors);
  const int q0 = out.column * depthwise_run, h0 = out.row * g.stride_h - g.pad_top;
  const T* image =
      x + static_cast<std::int64_t>(out.n) * g.H * g.W * g.C + (V > 1 ? out.channel : out.channel / multiplier);

  float sum[depthwise_run][V] = {};
  for (int r = 0; r < g.R; ++r) {
    const int h = h0 + r * g.dilation_h;
    if (!depthwise_inside(h, g.H)) continue;
    for (int s = 0; s < g.S; ++s) {
      const Channels<T, V> weight = load_channels<V>(rsk + (r * g.S + s) * g.K + out.channel);
#pragma unroll
      for (int j = 0; j < depthwise_run; ++j) {
        if (q0 + j >= g.Q) continue;
        const int w = (q0 + j) * g.stride_w - g.pad_left + s * g.dilation_w;
        if (!depthwise_inside(w, g.W)) continue;
        const Channels<T, V> here = load_channels<V>(image + (h * g.W + w) * g.C);
        for (int v = 0; v < V; ++v) sum[j][v] += to_float(here.of[v]) * to_float(weight.of[v]);
      }
    }
  }
  Channels<float, V> shift = {};
  if (bias != nullptr) shift = load_channels<V>(bias + out.channel);
  T* first = y + ((out.n * g.P + out.row) * g.Q + q0) * g.K + out.channel;
#pragma unroll
  for (int j = 0; j < depthwise_run; ++j) {
    if (q0 + j >= g.Q) continue;
    Channels<T, V> result;
    for (int v = 0; v < V; ++v)
      result.of[v] = from_float<T>(relu_if(relu, bias != nullptr ? sum[j][v] + shift.of[v] : sum[j][v]));
    store_channels(first + j * g.K, result);
  }
}

template <class T>
void conv2d_forward_depthwise(Stream& stream, const Conv2dGeometry& g, bool relu, const T* x, const T* rsk,
                              const float* bias, T* y) {
  constexpr int wide = wide_channels<T>;
  const bool is_wide = depthwise_is_wide<T>(g, {x, rsk, bias, y});
  const DepthwisePlaces places(g.N, g.P, g.Q, g.K / (is_wide ? wide : 1));
  launch(stream, "conv2d_forward_depthwise",
         is_wide ? conv2d_forward_depthwise_kernel<wide, T> : conv2d_forward_depthwise_kernel<1, T>,
         elementwise_blocks(places.threads), dim3(elementwise_threads), 0, Conv2dIndex(g), places,
         Divisor(g.filters_per_group()), relu, x, rsk, bias, y);
}

FOVEA_INSTANTIATE_STORAGE(conv2d_forward_depthwise);

}  // namespace fovea::FOVEA_TARGET
