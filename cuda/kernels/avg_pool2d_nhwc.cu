// SPDX-License-Identifier: Apache-2.0
//
// Average pooling of images in NHWC, forward and backward (core/ops/avg_pool2d.h).
//
//   x, dx [N, H, W, C]     y, dy [N, P, Q, C]     window R x S
//
// Forward: thread i computes V neighbouring channels of one output (channels.cuh), which share the window and its
// divisor. Backward: thread i computes V neighbouring channels of one element of dx, from the windows that cover it.
// Every access moves 16 bytes. The sums are those of avg_pool2d.cu in their order: the same bits.
#include "cuda/kernels/channels.cuh"
#include "cuda/kernels/elementwise.cuh"
#include "cuda/kernels/kernels_nhwc.h"
#include "cuda/kernels/pool2d_index.cuh"
#include "cuda/runtime/launch.h"

namespace fovea::FOVEA_TARGET {

template <int V, class T>
__global__ void __launch_bounds__(elementwise_threads)
    avg_pool2d_nhwc_forward_kernel(Pool2dIndex g, Divisor vectors, std::int64_t threads, bool count_include_pad,
                                   bool only_sum, const T* __restrict__ x, T* __restrict__ y) {
  const std::int64_t i = global_thread();
  if (i >= threads) return;
  const ChannelsPlace out = channels_place<V>(static_cast<int>(i), g.P, g.Q, vectors);
  const int h0 = window_start(out.row, g.stride_h, g.pad_top);
  const int w0 = window_start(out.column, g.stride_w, g.pad_left);
  const Range rows = window_in_image(h0, g.R, g.H), columns = window_in_image(w0, g.S, g.W);
  const int C = vectors * V;
  const T* image = x + static_cast<std::int64_t>(out.n) * g.H * g.W * C + out.channel;

  float sum[V] = {};
  for (int h = rows.begin; h < rows.end; ++h) {
    for (int w = columns.begin; w < columns.end; ++w) {
      const Channels<T, V> here = load_channels<V>(image + (h * g.W + w) * C);
      for (int v = 0; v < V; ++v) sum[v] += to_float(here.of[v]);
    }
  }
  const float divisor = divisor_of(g, h0, w0, count_include_pad, only_sum);
  Channels<T, V> mean;
  for (int v = 0; v < V; ++v) mean.of[v] = from_float<T>(sum[v] / divisor);
  store_channels(y + i * V, mean);
}

template <int V, class T>
__global__ void __launch_bounds__(elementwise_threads, no_spills)
    avg_pool2d_nhwc_backward_kernel(Pool2dIndex g, Divisor vectors, std::int64_t threads, bool count_include_pad,
                                    bool only_sum, const T* __restrict__ gate, const T* __restrict__ dy,
                                    T* __restrict__ dx) {
  const std::int64_t i = global_thread();
  if (i >= threads) return;
  const ChannelsPlace in = channels_place<V>(static_cast<int>(i), g.H, g.W, vectors);
  const Range rows = windows_over(in.row, g.pad_top, g.R, g.stride_h, g.P);
  const Range columns = windows_over(in.column, g.pad_left, g.S, g.stride_w, g.Q);
  const int C = vectors * V;

  float sum[V] = {};
  for (int p = rows.begin; p < rows.end; ++p) {
    for (int q = columns.begin; q < columns.end; ++q) {
      const int h0 = window_start(p, g.stride_h, g.pad_top), w0 = window_start(q, g.stride_w, g.pad_left);
      const float divisor = divisor_of(g, h0, w0, count_include_pad, only_sum);
      const Channels<T, V> gradient = load_channels<V>(dy + ((in.n * g.P + p) * g.Q + q) * C + in.channel);
      for (int v = 0; v < V; ++v) sum[v] += to_float(gradient.of[v]) / divisor;
    }
  }
  Channels<T, V> total;
  for (int v = 0; v < V; ++v) total.of[v] = from_float<T>(sum[v]);
  gate_channels<V>(gate != nullptr ? gate + i * V : nullptr, total);
  store_channels(dx + i * V, total);
}

template <class T>
void avg_pool2d_nhwc_forward(Stream& stream, const Pool2dGeometry& g, bool count_include_pad, bool only_sum, const T* x,
                             T* y) {
  constexpr int wide = wide_channels<T>;
  const bool is_wide = channels_are_wide<T>(g.C, {x, y});
  const std::int64_t vectors = g.C / (is_wide ? wide : 1), threads = g.N * g.P * g.Q * vectors;
  launch(stream, "avg_pool2d_nhwc_forward",
         is_wide ? avg_pool2d_nhwc_forward_kernel<wide, T> : avg_pool2d_nhwc_forward_kernel<1, T>,
         elementwise_blocks(threads), dim3(elementwise_threads), 0, Pool2dIndex(g), Divisor(vectors), threads,
         count_include_pad, only_sum, x, y);
}

template <class T>
void avg_pool2d_nhwc_backward(Stream& stream, const Pool2dGeometry& g, bool count_include_pad, bool only_sum,
                              const T* gate, const T* dy, T* dx) {
  constexpr int wide = wide_channels<T>;
  const bool is_wide = channels_are_wide<T>(g.C, {gate, dy, dx});
  const std::int64_t vectors = g.C / (is_wide ? wide : 1), threads = g.N * g.H * g.W * vectors;
  launch(stream, "avg_pool2d_nhwc_backward",
         is_wide ? avg_pool2d_nhwc_backward_kernel<wide, T> : avg_pool2d_nhwc_backward_kernel<1, T>,
         elementwise_blocks(threads), dim3(elementwise_threads), 0, Pool2dIndex(g), Divisor(vectors), threads,
         count_include_pad, only_sum, gate, dy, dx);
}

FOVEA_INSTANTIATE_STORAGE(avg_pool2d_nhwc_forward);
FOVEA_INSTANTIATE_STORAGE(avg_pool2d_nhwc_backward);

}  // namespace fovea::FOVEA_TARGET
