// SPDX-License-Identifier: Apache-2.0
//
// Filter gradient of a depthwise convolution, images in NHWC (core/ops/conv2d.h with groups = C).
//
//   dw[k,r,s] = sum over the rows (n,p,q) of dy[n,p,q,k] * x[n, p*stride_h - pad_top + r*dilation_h, ..., k/M]
//
//   x [N, H, W, C]     dy [N, P, Q, K], a matrix of N*P*Q rows     dw [K, 1, R, S]     K = M*C (conv2d_depthwise.cuh)
//
// Few results and long sums: those of column_sums.cuh, with products. A block takes 8 vectors of V filters, a slice of the
// rows, and depthwise_taps of the R*S taps. Thread (vector, lane) goes over every 32nd row of the slice: it fetches V values
// of dy once, and for each tap V values of x, and adds the products to sums in registers; a tree adds up the lanes. The
// slices' sums go to memory, [slices, R*S, K], and a second kernel adds those in the same way. How many slices follows from
// the shapes alone: the same bits every time.
//
// At best it takes x once and dy once from memory. A window of 3 x 3 is two chunks of taps, and the blocks of one slice's
// chunks come one after the other in the grid, so that the second finds dy and x in the cache. One tap for each block would
// fetch dy nine times; all nine at once would want 72 sums in registers.
#include "cuda/kernels/column_sums.cuh"
#include "cuda/kernels/conv2d_depthwise.cuh"
#include "cuda/kernels/kernels_nhwc.h"
#include "cuda/runtime/launch.h"

namespace fovea::FOVEA_TARGET {

constexpr int depthwise_taps = 5;

template <int V, class T>
__global__ void __launch_bounds__(column_threads, depthwise_blocks)
    conv2d_backward_filter_depthwise_kernel(Conv2dIndex g, int rows, Divisor chunks, Divisor multiplier,
                                            const T* __restrict__ x, const T* __restrict__ dy,
                                            float* __restrict__ partials) {
  FOVEA_SHARED(float, scratch, [V][column_threads]);
  const int block = static_cast<int>(blockIdx.x), first_tap = block % chunks * depthwise_taps;
  const int k = (block / chunks * column_vectors + static_cast<int>(threadIdx.x) % column_vectors) * V;
  const int slice = static_cast<int>(blockIdx.y), slices = static_cast<int>(gridDim.y);

  float sum[depthwise_taps][V] = {};
  if (k < g.K) {
    const T* channel = x + (V > 1 ? k : k / multiplier);
    int tap_h[depthwise_taps], tap_w[depthwise_taps];
#pragma unroll
    for (int t = 0; t < depthwise_taps; ++t) {
      const int tap = first_tap + t < g.RS ? first_tap + t : g.RS - 1;  // behind the last: once more that, not stored
      tap_h[t] = tap / g.S * g.dilation_h - g.pad_top;
      tap_w[t] = tap % g.S * g.dilation_w - g.pad_left;
    }
    const int end = slice_begin(rows, slice + 1, slices);
    for (int row = slice_begin(rows, slice, slices) + column_lane(); row < end; row += column_lanes) {
      const Channels<T, V> gradient = load_channels<V>(dy + static_cast<std::int64_t>(row) * g.K + k);
      const Pixel at = pixel_at(row, g.PQ);
      const int h0 = at.position / g.Q * g.stride_h, w0 = at.position % g.Q * g.stride_w;
#pragma unroll
      for (int t = 0; t < depthwise_taps; ++t) {
        const int h = h0 + tap_h[t], w = w0 + tap_w[t];
        if (!depthwise_inside(h, g.H) || !depthwise_inside(w, g.W)) continue;
        const Channels<T, V> here = load_channels<V>(channel + ((at.n * g.H + h) * g.W + w) * g.C);
        for (int v = 0; v < V; ++v) sum[t][v] += to_float(gradient.of[v]) * to_float(here.of[v]);
      }
    }
  }
#pragma unroll
  for (int t = 0; t < depthwise_taps; ++t) {
    add_lanes(sum[t], scratch);
    if (k >= g.K || column_lane() != 0 || first_tap + t >= g.RS) continue;
    Channels<float, V> part;
    for (int v = 0; v < V; ++v) part.of[v] = sum[t][v];
    store_channels(partials + (slice * g.RS + first_tap + t) * g.K + k, part);
  }
}

// dw [K, taps] of partials [slices, taps, K]: a block adds up 8 columns of the matrix [slices, taps * K].
__global__ void __launch_bounds__(column_threads)
    conv2d_filter_slices_depthwise_kernel(int taps, Divisor K, int slices, const float* __restrict__ partials,
                                          float* __restrict__ dw) {
  FOVEA_SHARED(float, scratch, [1][column_threads]);
  float total[1];
  add_slices(taps * K, slices, partials, total, scratch);
  const int column = column_channel<1>();
  if (column >= taps * K || column_lane() != 0) return;  // no barrier follows
  dw[column % K * taps + column / K] = total[0];
}

// Slices of the rows, as for the sums of a matrix with a column for each filter and chunk.
static std::int64_t depthwise_chunks(const Conv2dGeometry& g) {
  return (g.R * g.S + depthwise_taps - 1) / depthwise_taps;
}
static std::int64_t depthwise_slices(const Conv2dGeometry& g) {
  return column_slices(g.N * g.P * g.Q, g.K * depthwise_chunks(g));
}

std::size_t conv2d_backward_filter_depthwise_workspace(const Conv2dGeometry& g) {
  return static_cast<std::size_t>(depthwise_slices(g) * g.K * g.R * g.S) * sizeof(float);
}

template <class T>
void conv2d_backward_filter_depthwise(Stream& stream, const Conv2dGeometry& g, const T* x, const T* dy, float* dw,
                                      float* partials) {
  constexpr int wide = wide_channels<T>;
  const bool is_wide = depthwise_is_wide<T>(g, {x, dy, partials});
  const std::int64_t chunks = depthwise_chunks(g), slices = depthwise_slices(g), taps = g.R * g.S;
  dim3 blocks = is_wide ? column_blocks<wide>(g.K, slices) : column_blocks<1>(g.K, slices);
  blocks.x *= static_cast<unsigned>(chunks);
  launch(stream, "conv2d_backward_filter_depthwise",
         is_wide ? conv2d_backward_filter_depthwise_kernel<wide, T> : conv2d_backward_filter_depthwise_kernel<1, T>,
         blocks, dim3(column_threads), 0, Conv2dIndex(g), static_cast<int>(g.N * g.P * g.Q), Divisor(chunks),
         Divisor(g.filters_per_group()), x, dy, partials);
  launch(stream, "conv2d_filter_slices_depthwise", conv2d_filter_slices_depthwise_kernel,
         column_blocks<1>(taps * g.K, 1), dim3(column_threads), 0, static_cast<int>(taps), Divisor(g.K),
         static_cast<int>(slices), static_cast<const float*>(partials), dw);
}

FOVEA_INSTANTIATE_STORAGE(conv2d_backward_filter_depthwise);

}  // namespace fovea::FOVEA_TARGET
