// SPDX-License-Identifier: Apache-2.0
//
// Max pooling of images in NHWC, forward and backward (core/ops/max_pool2d.h).
//
//   x, dx [N, H, W, C]     y, dy, index [N, P, Q, C]     window R x S
//
// Forward: thread i computes V neighbouring channels of one output (channels.cuh): it walks over the window and keeps V
// maxima and where in the window each was found, one byte for windows of up to 256 elements, two above.
// Backward: thread i computes V neighbouring channels of one element of dx, from the windows that cover it.
// All threads of a position share its window, so the indices cost an eighth of what they cost in max_pool2d.cu, and every
// access moves 16 bytes. The arithmetic is that file's, element by element: the same bits.
#include "cuda/kernels/channels.cuh"
#include "cuda/kernels/elementwise.cuh"
#include "cuda/kernels/kernels_nhwc.h"
#include "cuda/kernels/pool2d_index.cuh"
#include "cuda/runtime/launch.h"

namespace fovea::FOVEA_TARGET {

template <int V, class T, class Index>
__global__ void __launch_bounds__(elementwise_threads)
    max_pool2d_nhwc_forward_kernel(Pool2dIndex g, Divisor vectors, std::int64_t threads, float sign,
                                   const T* __restrict__ x, T* __restrict__ y, Index* __restrict__ index) {
  const std::int64_t i = global_thread();
  if (i >= threads) return;
  const ChannelsPlace out = channels_place<V>(static_cast<int>(i), g.P, g.Q, vectors);
  const int h0 = window_start(out.row, g.stride_h, g.pad_top);
  const int w0 = window_start(out.column, g.stride_w, g.pad_left);
  const Range rows = window_in_image(h0, g.R, g.H), columns = window_in_image(w0, g.S, g.W);
  const int C = vectors * V;
  const T* image = x + static_cast<std::int64_t>(out.n) * g.H * g.W * C + out.channel;

  float best[V];
  int winner[V];
  const Channels<T, V> first = load_channels<V>(image + (rows.begin * g.W + columns.begin) * C);
  for (int v = 0; v < V; ++v) {
    best[v] = sign * to_float(first.of[v]);
    winner[v] = (rows.begin - h0) * g.S + (columns.begin - w0);
  }
  for (int h = rows.begin; h < rows.end; ++h) {
    for (int w = columns.begin; w < columns.end; ++w) {
      const Channels<T, V> here = load_channels<V>(image + (h * g.W + w) * C);
      const int place = (h - h0) * g.S + (w - w0);
      for (int v = 0; v < V; ++v) {
        const float value = sign * to_float(here.of[v]);
        const bool leads = beats(value, best[v]);
        best[v] = leads ? value : best[v];
        winner[v] = leads ? place : winner[v];
      }
    }
  }
  Channels<T, V> largest;
  Channels<Index, V> places;
  for (int v = 0; v < V; ++v) {
    largest.of[v] = from_float<T>(sign * best[v]);
    places.of[v] = static_cast<Index>(winner[v]);
  }
  store_channels(y + i * V, largest);
  store_channels(index + i * V, places);
}

template <int V, class T, class Index>
__global__ void __launch_bounds__(elementwise_threads, no_spills)
    max_pool2d_nhwc_backward_kernel(Pool2dIndex g, Divisor vectors, std::int64_t threads, const T* __restrict__ gate,
                                    const T* __restrict__ dy, const Index* __restrict__ index, T* __restrict__ dx) {
  const std::int64_t i = global_thread();
  if (i >= threads) return;
  const ChannelsPlace in = channels_place<V>(static_cast<int>(i), g.H, g.W, vectors);
  const Range rows = windows_over(in.row, g.pad_top, g.R, g.stride_h, g.P);
  const Range columns = windows_over(in.column, g.pad_left, g.S, g.stride_w, g.Q);
  const int C = vectors * V;

  float sum[V] = {};
  for (int p = rows.begin; p < rows.end; ++p) {
    for (int q = columns.begin; q < columns.end; ++q) {
      const int r = in.row - window_start(p, g.stride_h, g.pad_top);
      const int s = in.column - window_start(q, g.stride_w, g.pad_left);
      const int out = ((in.n * g.P + p) * g.Q + q) * C + in.channel;
      const Channels<Index, V> winner = load_channels<V>(index + out);
      const Channels<T, V> gradient = load_channels<V>(dy + out);
      for (int v = 0; v < V; ++v)
        if (winner.of[v] == r * g.S + s) sum[v] += to_float(gradient.of[v]);
    }
  }
  Channels<T, V> total;
  for (int v = 0; v < V; ++v) total.of[v] = from_float<T>(sum[v]);
  gate_channels<V>(gate != nullptr ? gate + i * V : nullptr, total);
  store_channels(dx + i * V, total);
}

template <class T, class Index>
void max_pool2d_nhwc_forward(Stream& stream, const Pool2dGeometry& g, bool minimum, const T* x, T* y, Index* index) {
  constexpr int wide = wide_channels<T>;
  const bool is_wide = channels_are_wide<T>(g.C, {x, y, index});
  const std::int64_t vectors = g.C / (is_wide ? wide : 1), threads = g.N * g.P * g.Q * vectors;
  launch(stream, "max_pool2d_nhwc_forward",
         is_wide ? max_pool2d_nhwc_forward_kernel<wide, T, Index> : max_pool2d_nhwc_forward_kernel<1, T, Index>,
         elementwise_blocks(threads), dim3(elementwise_threads), 0, Pool2dIndex(g), Divisor(vectors), threads,
         minimum ? -1.0f : 1.0f, x, y, index);
}

template <class T, class Index>
void max_pool2d_nhwc_backward(Stream& stream, const Pool2dGeometry& g, const T* gate, const T* dy, const Index* index,
                              T* dx) {
  constexpr int wide = wide_channels<T>;
  const bool is_wide = channels_are_wide<T>(g.C, {gate, dy, index, dx});
  const std::int64_t vectors = g.C / (is_wide ? wide : 1), threads = g.N * g.H * g.W * vectors;
  launch(stream, "max_pool2d_nhwc_backward",
         is_wide ? max_pool2d_nhwc_backward_kernel<wide, T, Index> : max_pool2d_nhwc_backward_kernel<1, T, Index>,
         elementwise_blocks(threads), dim3(elementwise_threads), 0, Pool2dIndex(g), Divisor(vectors), threads, gate, dy,
         index, dx);
}

FOVEA_INSTANTIATE_STORAGE(max_pool2d_nhwc_forward, std::uint8_t);
FOVEA_INSTANTIATE_STORAGE(max_pool2d_nhwc_forward, std::uint16_t);
FOVEA_INSTANTIATE_STORAGE(max_pool2d_nhwc_backward, std::uint8_t);
FOVEA_INSTANTIATE_STORAGE(max_pool2d_nhwc_backward, std::uint16_t);

}  // namespace fovea::FOVEA_TARGET
