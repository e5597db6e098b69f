// SPDX-License-Identifier: Apache-2.0
//
// Local response normalisation of images in NHWC, forward and backward (core/ops/lrn.h).
//
//   x, y, scale, dy, dx [N, H, W, C]     d_i = k + a * sum of x_j^2 over the neighbours j of i     y_i = x_i * d_i^-beta
//
// Across channels: a thread for each element (V = 1). Its neighbours are the elements beside it in memory, which its
// neighbour threads read too, so that all but the first read come from the cache.
// Within a channel: a thread takes V neighbouring channels (channels.cuh), which share the rows and columns around them,
// and reads 16 bytes at each place. The sums are those of lrn.cu, in their order.
// The bounds ask for one block of each multiprocessor at least: ptxas then keeps in registers what lives across its calls
// for powf and division, which it spills otherwise.
#include "cuda/kernels/channels.cuh"
#include "cuda/kernels/elementwise.cuh"
#include "cuda/kernels/kernels_nhwc.h"
#include "cuda/kernels/lrn_index.cuh"
#include "cuda/runtime/launch.h"

namespace fovea::FOVEA_TARGET {

// Calls add(offset) for the neighbours of the V elements at `first`, whose place is `at`, in the order of the sum. One loop
// for both regions: the channels of a position are one row of neighbours at a distance of 1.
template <int V, class Add>
__device__ __forceinline__ void for_each_neighbour(const LrnIndex& g, std::int64_t first, const ChannelsPlace& at,
                                                   int before, int after, Add add) {
  const Range rows = g.across ? Range{0, 1} : reach(at.row, before, after, g.H);
  const Range columns = g.across ? reach(at.channel, before, after, g.C) : reach(at.column, before, after, g.W);
  const int distance = g.across ? 1 : int{g.C};
  for (int r = rows.begin; r < rows.end; ++r)
    for (int s = columns.begin; s < columns.end; ++s) add(first + static_cast<std::int64_t>(r * g.W + s) * distance);
}

template <int V, class T>
__global__ void __launch_bounds__(elementwise_threads, 1)
    lrn_nhwc_forward_kernel(LrnIndex g, Divisor vectors, const T* __restrict__ x, T* __restrict__ y,
                            float* __restrict__ scale) {
  const std::int64_t thread = global_thread(), first = thread * V;
  if (first >= g.count) return;
  const ChannelsPlace at = channels_place<V>(static_cast<int>(thread), g.H, g.W, vectors);
  float sum[V] = {};
  for_each_neighbour<V>(g, first, at, g.before, g.after, [&](std::int64_t j) {
    const Channels<T, V> there = load_channels<V>(x + j);
    for (int v = 0; v < V; ++v) sum[v] += to_float(there.of[v]) * to_float(there.of[v]);
  });
  const Channels<T, V> here = load_channels<V>(x + first);
  Channels<T, V> result;
  Channels<float, V> d;
  for (int v = 0; v < V; ++v) {
    d.of[v] = g.k + g.a * sum[v];
    result.of[v] = from_float<T>(to_float(here.of[v]) * powf(d.of[v], -g.beta));
  }
  store_channels(scale + first, d);
  store_channels(y + first, result);
}

template <int V, class T>
__global__ void __launch_bounds__(elementwise_threads, 1)
    lrn_nhwc_backward_kernel(LrnIndex g, Divisor vectors, float factor, const T* __restrict__ x,
                             const T* __restrict__ y, const float* __restrict__ scale, const T* __restrict__ dy,
                             T* __restrict__ dx) {
  const std::int64_t thread = global_thread(), first = thread * V;
  if (first >= g.count) return;
  const ChannelsPlace at = channels_place<V>(static_cast<int>(thread), g.H, g.W, vectors);
  float sum[V] = {};
  // Those that have an element as a neighbour: behind it those to whom it lies in front.
  for_each_neighbour<V>(g, first, at, g.after, g.before, [&](std::int64_t j) {
    const Channels<T, V> gradient = load_channels<V>(dy + j), output = load_channels<V>(y + j);
    const Channels<float, V> d = load_channels<V>(scale + j);
    for (int v = 0; v < V; ++v) sum[v] += to_float(gradient.of[v]) * to_float(output.of[v]) / d.of[v];
  });
  const Channels<T, V> here = load_channels<V>(x + first), gradient = load_channels<V>(dy + first);
  const Channels<float, V> d = load_channels<V>(scale + first);
  Channels<T, V> result;
  for (int v = 0; v < V; ++v)
    result.of[v] =
        from_float<T>(to_float(gradient.of[v]) * powf(d.of[v], -g.beta) - factor * to_float(here.of[v]) * sum[v]);
  store_channels(dx + first, result);
}

template <class T>
void lrn_nhwc_forward(Stream& stream, const LrnGeometry& g, const T* x, T* y, float* scale) {
  constexpr int wide = wide_channels<T>;
  const bool is_wide = g.region == LrnRegion::within && channels_are_wide<T>(g.C, {x, y, scale});
  const std::int64_t vectors = g.C / (is_wide ? wide : 1);
  launch(stream, "lrn_nhwc_forward", is_wide ? lrn_nhwc_forward_kernel<wide, T> : lrn_nhwc_forward_kernel<1, T>,
         elementwise_blocks(g.N * g.H * g.W * vectors), dim3(elementwise_threads), 0, LrnIndex(g), Divisor(vectors), x,
         y, scale);
}

template <class T>
void lrn_nhwc_backward(Stream& stream, const LrnGeometry& g, const T* x, const T* y, const float* scale, const T* dy,
                       T* dx) {
  constexpr int wide = wide_channels<T>;
  const bool is_wide = g.region == LrnRegion::within && channels_are_wide<T>(g.C, {x, y, scale, dy, dx});
  const std::int64_t vectors = g.C / (is_wide ? wide : 1);
  const float factor = 2 * g.a * g.beta;
  launch(stream, "lrn_nhwc_backward", is_wide ? lrn_nhwc_backward_kernel<wide, T> : lrn_nhwc_backward_kernel<1, T>,
         elementwise_blocks(g.N * g.H * g.W * vectors), dim3(elementwise_threads), 0, LrnIndex(g), Divisor(vectors),
         factor, x, y, scale, dy, dx);
}

FOVEA_INSTANTIATE_STORAGE(lrn_nhwc_forward);
FOVEA_INSTANTIATE_STORAGE(lrn_nhwc_backward);

}  // namespace fovea::FOVEA_TARGET
