// SPDX-License-Identifier: Apache-2.0
//
// Adaptive pooling of images in NHWC, average and maximum, forward and backward (core/ops/adaptive_pool2d.h).
//
//   x, dx [N, H, W, C]     y, dy, index [N, P, Q, C]     window (p,q): rows floor(pH/P) ... ceil((p+1)H/P) - 1
//
// Average, forward: a block of 8 x 32 threads for one output position and 8 vectors of V channels (channels.cuh). Lane l
// of a vector takes every 32nd element of the window, in row order, and a tree adds the 32 sums (column_sums.cuh): global
// pooling, whose few windows are whole images, still keeps the GPU busy. The lanes are those of the warp in
// adaptive_pool2d.cu, and the tree adds them up as its shuffles do: the same bits. Windows of one pixel take the gradient's
// kernel instead.
// The others: thread i computes V neighbouring channels of one position, which share the window, as in that file.
#include "cuda/kernels/adaptive_pool2d_index.cuh"
#include "cuda/kernels/channels.cuh"
#include "cuda/kernels/column_sums.cuh"
#include "cuda/kernels/elementwise.cuh"
#include "cuda/kernels/kernels_nhwc.h"
#include "cuda/runtime/launch.h"

namespace fovea::FOVEA_TARGET {

// `groups` of 8 vectors cover the C channels.
template <int V, class T>
__global__ void __launch_bounds__(column_threads)
    adaptive_avg_pool2d_nhwc_forward_kernel(AdaptiveIndex g, int C, Divisor groups, const T* __restrict__ x,
                                            T* __restrict__ y) {
  FOVEA_SHARED(float, scratch, [V][column_threads]);
  const int position = static_cast<int>(blockIdx.x) / groups, n = position / g.Q / g.P;
  const int vector =
      static_cast<int>(blockIdx.x) % groups * column_vectors + static_cast<int>(threadIdx.x) % column_vectors;
  const int channel = vector * V;
  const Range rows = adaptive_range(position / g.Q % g.P, g.P, g.H);
  const Range columns = adaptive_range(position % g.Q, g.Q, g.W);
  const int width = length(columns), elements = length(rows) * width;

  float sum[V] = {};
  if (channel < C) {
    const T* corner = x + (static_cast<std::int64_t>(n * g.H + rows.begin) * g.W + columns.begin) * C + channel;
    for (int element = column_lane(); element < elements; element += column_lanes) {
      const Channels<T, V> here = load_channels<V>(corner + (element / width * g.W + element % width) * C);
      for (int v = 0; v < V; ++v) sum[v] += to_float(here.of[v]);
    }
  }
  add_lanes(sum, scratch);
  if (channel >= C || column_lane() != 0) return;
  Channels<T, V> mean;
  for (int v = 0; v < V; ++v) mean.of[v] = from_float<T>(sum[v] / static_cast<float>(elements));
  store_channels(y + static_cast<std::int64_t>(position) * C + channel, mean);
}

template <int V, class T>
__global__ void __launch_bounds__(elementwise_threads)
    adaptive_avg_pool2d_nhwc_backward_kernel(AdaptiveIndex g, Divisor vectors, std::int64_t threads,
                                             const T* __restrict__ dy, T* __restrict__ dx) {
  const std::int64_t i = global_thread();
  if (i >= threads) return;
  const ChannelsPlace in = channels_place<V>(static_cast<int>(i), g.H, g.W, vectors);
  const Range rows = adaptive_range(in.row, g.H, g.P), columns = adaptive_range(in.column, g.W, g.Q);
  const int C = vectors * V;

  float sum[V] = {};
  for (int p = rows.begin; p < rows.end; ++p) {
    for (int q = columns.begin; q < columns.end; ++q) {
      const int elements = length(adaptive_range(p, g.P, g.H)) * length(adaptive_range(q, g.Q, g.W));
      const Channels<T, V> gradient = load_channels<V>(dy + ((in.n * g.P + p) * g.Q + q) * C + in.channel);
      for (int v = 0; v < V; ++v) sum[v] += to_float(gradient.of[v]) / static_cast<float>(elements);
    }
  }
  Channels<T, V> total;
  for (int v = 0; v < V; ++v) total.of[v] = from_float<T>(sum[v]);
  store_channels(dx + i * V, total);
}

template <int V, class T>
__global__ void __launch_bounds__(elementwise_threads)
    adaptive_max_pool2d_nhwc_forward_kernel(AdaptiveIndex g, Divisor vectors, std::int64_t threads,
                                            const T* __restrict__ x, T* __restrict__ y,
                                            std::int32_t* __restrict__ index) {
  const std::int64_t i = global_thread();
  if (i >= threads) return;
  const ChannelsPlace out = channels_place<V>(static_cast<int>(i), g.P, g.Q, vectors);
  const Range rows = adaptive_range(out.row, g.P, g.H), columns = adaptive_range(out.column, g.Q, g.W);
  const int C = vectors * V;
  const T* image = x + static_cast<std::int64_t>(out.n) * g.H * g.W * C + out.channel;

  float best[V];
  Channels<std::int32_t, V> winner;
  const int corner = rows.begin * g.W + columns.begin;
  const Channels<T, V> first = load_channels<V>(image + corner * C);
  for (int v = 0; v < V; ++v) {
    best[v] = to_float(first.of[v]);
    winner.of[v] = corner;
  }
  for (int h = rows.begin; h < rows.end; ++h) {
    for (int w = columns.begin; w < columns.end; ++w) {
      const int place = h * g.W + w;
      const Channels<T, V> here = load_channels<V>(image + place * C);
      for (int v = 0; v < V; ++v) {
        const float value = to_float(here.of[v]);
        const bool leads = beats(value, best[v]);
        best[v] = leads ? value : best[v];
        winner.of[v] = leads ? place : winner.of[v];
      }
    }
  }
  Channels<T, V> largest;
  for (int v = 0; v < V; ++v) largest.of[v] = from_float<T>(best[v]);
  store_channels(y + i * V, largest);
  store_channels(index + i * V, winner);
}

template <int V, class T>
__global__ void __launch_bounds__(elementwise_threads, no_spills)
    adaptive_max_pool2d_nhwc_backward_kernel(AdaptiveIndex g, Divisor vectors, std::int64_t threads,
                                             const T* __restrict__ dy, const std::int32_t* __restrict__ index,
                                             T* __restrict__ dx) {
  const std::int64_t i = global_thread();
  if (i >= threads) return;
  const ChannelsPlace in = channels_place<V>(static_cast<int>(i), g.H, g.W, vectors);
  const Range rows = adaptive_range(in.row, g.H, g.P), columns = adaptive_range(in.column, g.W, g.Q);
  const int C = vectors * V;

  float sum[V] = {};
  for (int p = rows.begin; p < rows.end; ++p) {
    for (int q = columns.begin; q < columns.end; ++q) {
      const int out = ((in.n * g.P + p) * g.Q + q) * C + in.channel;
      const Channels<std::int32_t, V> winner = load_channels<V>(index + out);
      const Channels<T, V> gradient = load_channels<V>(dy + out);
      for (int v = 0; v < V; ++v)
        if (winner.of[v] == in.row * g.W + in.column) sum[v] += to_float(gradient.of[v]);
    }
  }
  Channels<T, V> total;
  for (int v = 0; v < V; ++v) total.of[v] = from_float<T>(sum[v]);
  store_channels(dx + i * V, total);
}

namespace {

template <class T>
void launch_avg_spread(Stream& stream, const char* name, const AdaptivePool2dGeometry& g, const T* from, T* to) {
  constexpr int wide = wide_channels<T>;
  const bool is_wide = channels_are_wide<T>(g.C, {from, to});
  const std::int64_t vectors = g.C / (is_wide ? wide : 1), threads = g.N * g.H * g.W * vectors;
  launch(stream, name,
         is_wide ? adaptive_avg_pool2d_nhwc_backward_kernel<wide, T> : adaptive_avg_pool2d_nhwc_backward_kernel<1, T>,
         elementwise_blocks(threads), dim3(elementwise_threads), 0, AdaptiveIndex(g), Divisor(vectors), threads, from,
         to);
}

}  // namespace

template <class T>
void adaptive_avg_pool2d_nhwc_forward(Stream& stream, const AdaptivePool2dGeometry& g, const T* x, T* y) {
  constexpr int wide = wide_channels<T>;
  constexpr const char* name = "adaptive_avg_pool2d_nhwc_forward";
  // Windows of one pixel, as AlexNet's at 224 x 224: 31 of 32 lanes would have none, and the gradient's kernel does the same.
  if (g.P == g.H && g.Q == g.W) return launch_avg_spread(stream, name, g, x, y);
  const bool is_wide = channels_are_wide<T>(g.C, {x, y});
  const std::int64_t vectors = g.C / (is_wide ? wide : 1);
  const std::int64_t groups = (vectors + column_vectors - 1) / column_vectors;
  launch(stream, name,
         is_wide ? adaptive_avg_pool2d_nhwc_forward_kernel<wide, T> : adaptive_avg_pool2d_nhwc_forward_kernel<1, T>,
         dim3(static_cast<unsigned>(g.N * g.P * g.Q * groups)), dim3(column_threads), 0, AdaptiveIndex(g),
         static_cast<int>(g.C), Divisor(groups), x, y);
}

template <class T>
void adaptive_avg_pool2d_nhwc_backward(Stream& stream, const AdaptivePool2dGeometry& g, const T* dy, T* dx) {
  launch_avg_spread(stream, "adaptive_avg_pool2d_nhwc_backward", g, dy, dx);
}

template <class T>
void adaptive_max_pool2d_nhwc_forward(Stream& stream, const AdaptivePool2dGeometry& g, const T* x, T* y,
                                      std::int32_t* index) {
  constexpr int wide = wide_channels<T>;
  const bool is_wide = channels_are_wide<T>(g.C, {x, y, index});
  const std::int64_t vectors = g.C / (is_wide ? wide : 1), threads = g.N * g.P * g.Q * vectors;
  launch(stream, "adaptive_max_pool2d_nhwc_forward",
         is_wide ? adaptive_max_pool2d_nhwc_forward_kernel<wide, T> : adaptive_max_pool2d_nhwc_forward_kernel<1, T>,
         elementwise_blocks(threads), dim3(elementwise_threads), 0, AdaptiveIndex(g), Divisor(vectors), threads, x, y,
         index);
}

template <class T>
void adaptive_max_pool2d_nhwc_backward(Stream& stream, const AdaptivePool2dGeometry& g, const T* dy,
                                       const std::int32_t* index, T* dx) {
  constexpr int wide = wide_channels<T>;
  const bool is_wide = channels_are_wide<T>(g.C, {dy, index, dx});
  const std::int64_t vectors = g.C / (is_wide ? wide : 1), threads = g.N * g.H * g.W * vectors;
  launch(stream, "adaptive_max_pool2d_nhwc_backward",
         is_wide ? adaptive_max_pool2d_nhwc_backward_kernel<wide, T> : adaptive_max_pool2d_nhwc_backward_kernel<1, T>,
         elementwise_blocks(threads), dim3(elementwise_threads), 0, AdaptiveIndex(g), Divisor(vectors), threads, dy,
         index, dx);
}

FOVEA_INSTANTIATE_STORAGE(adaptive_avg_pool2d_nhwc_forward);
FOVEA_INSTANTIATE_STORAGE(adaptive_avg_pool2d_nhwc_backward);
FOVEA_INSTANTIATE_STORAGE(adaptive_max_pool2d_nhwc_forward);
FOVEA_INSTANTIATE_STORAGE(adaptive_max_pool2d_nhwc_backward);

}  // namespace fovea::FOVEA_TARGET
