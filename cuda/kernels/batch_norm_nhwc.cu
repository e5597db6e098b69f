// SPDX-License-Identifier: Apache-2.0
//
// Batch normalisation of images in NHWC, forward and backward, in training and inference (core/ops/batch_norm.h).
//
//   x, y, dy, dx [rows, C], rows = N * H * W     weight, bias, mean, inverse_deviation, running_* [C]
//
// Blocks, slices of the rows and sums are those of column_sums.cuh. In training each kernel begins with the totals that
// it needs, adding up the slices' sums that the kernel before it left, a few thousand floats out of the cache:
//   forward    sums of x; sums of (x - mean)^2; then y, and from the blocks of the first slice the statistics
//   backward   sums of dy and of dy (x - mean); then dx, and from the blocks of the first slice dweight and dbias
// The variance is taken of the differences from the mean, in a second pass, for the reason told in batch_norm.cu.
// In inference thread i computes V neighbouring channels of one position. Where `relu`, what is stored is the ReLU of y
// (epilogue.cuh).
#include "cuda/kernels/batch_norm.cuh"
#include "cuda/kernels/column_sums.cuh"
#include "cuda/kernels/elementwise.cuh"
#include "cuda/kernels/epilogue.cuh"
#include "cuda/kernels/kernels_nhwc.h"
#include "cuda/runtime/launch.h"

namespace fovea::FOVEA_TARGET {

// Calls use(offset) for the thread's channels of each row of the block's slice that is its own.
template <int V, class Use>
__device__ __forceinline__ void for_each_row(int rows, int C, Use use) {
  const int slice = static_cast<int>(blockIdx.y), slices = static_cast<int>(gridDim.y);
  const int channel = column_channel<V>(), end = slice_begin(rows, slice + 1, slices);
  if (channel >= C) return;
#pragma unroll 4
  for (int row = slice_begin(rows, slice, slices) + column_lane(); row < end; row += column_lanes)
    use(static_cast<std::int64_t>(row) * C + channel);
}

template <int V, class T>
__global__ void __launch_bounds__(column_threads)
    batch_norm_nhwc_squares_kernel(int rows, int C, const T* __restrict__ x, const float* __restrict__ sums,
                                   float* __restrict__ squares) {
  FOVEA_SHARED(float, scratch, [V][column_threads]);
  float mean[V], sum[V] = {};
  add_slices(C, static_cast<int>(gridDim.y), sums, mean, scratch);
  for (int v = 0; v < V; ++v) mean[v] = mean[v] / static_cast<float>(rows);
  for_each_row<V>(rows, C, [&](std::int64_t at) {
    const Channels<T, V> here = load_channels<V>(x + at);
    for (int v = 0; v < V; ++v) sum[v] += (to_float(here.of[v]) - mean[v]) * (to_float(here.of[v]) - mean[v]);
  });
  add_lanes(sum, scratch);
  store_slice(C, sum, squares);
}

// `unbiased` = momentum * rows / (rows - 1).
template <int V, class T>
__global__ void __launch_bounds__(column_threads)
    batch_norm_nhwc_normalise_kernel(int rows, int C, float epsilon, float momentum, float unbiased, bool relu,
                                     const T* __restrict__ x, const float* __restrict__ weight,
                                     const float* __restrict__ bias, const float* __restrict__ sums,
                                     const float* __restrict__ squares, float* __restrict__ running_mean,
                                     float* __restrict__ running_variance, T* __restrict__ y, float* __restrict__ mean,
                                     float* __restrict__ inverse_deviation) {
  FOVEA_SHARED(float, scratch, [V][column_threads]);
  float m[V], inverse[V];
  add_slices(C, static_cast<int>(gridDim.y), sums, m, scratch);
  add_slices(C, static_cast<int>(gridDim.y), squares, inverse, scratch);
  const int channel = column_channel<V>();
  if (channel >= C) return;  // no barrier follows
  const bool keeps = blockIdx.y == 0 && column_lane() == 0;
  for (int v = 0; v < V; ++v) {
    m[v] = m[v] / static_cast<float>(rows);
    const float variance = inverse[v] / static_cast<float>(rows);
    inverse[v] = inverse_of(variance, epsilon);
    if (!keeps) continue;
    const int c = channel + v;
    mean[c] = m[v];
    inverse_deviation[c] = inverse[v];
    running_mean[c] = running_value(running_mean[c], momentum, m[v], momentum);
    running_variance[c] = running_value(running_variance[c], momentum, variance, unbiased);
  }
  const Channels<float, V> scale = load_channels<V>(weight + channel), shift = load_channels<V>(bias + channel);
  for_each_row<V>(rows, C, [&](std::int64_t at) {
    const Channels<T, V> here = load_channels<V>(x + at);
    Channels<T, V> result;
    for (int v = 0; v < V; ++v)
      result.of[v] =
          from_float<T>(relu_if(relu, (to_float(here.of[v]) - m[v]) * inverse[v] * scale.of[v] + shift.of[v]));
    store_channels(y + at, result);
  });
}

template <int V, class T>
__global__ void __launch_bounds__(elementwise_threads)
    batch_norm_nhwc_inference_kernel(std::int64_t threads, Divisor vectors, float epsilon, bool relu,
                                     const T* __restrict__ x, const float* __restrict__ weight,
                                     const float* __restrict__ bias, const float* __restrict__ running_mean,
                                     const float* __restrict__ running_variance, T* __restrict__ y) {
  const std::int64_t i = global_thread();
  if (i >= threads) return;
  const int channel = static_cast<int>(i) % vectors * V;
  const Channels<float, V> mean = load_channels<V>(running_mean + channel);
  const Channels<float, V> variance = load_channels<V>(running_variance + channel);
  const Channels<float, V> scale = load_channels<V>(weight + channel), shift = load_channels<V>(bias + channel);
  const Channels<T, V> here = load_channels<V>(x + i * V);
  Channels<T, V> result;
  for (int v = 0; v < V; ++v) {
    const float inverse = inverse_of(variance.of[v], epsilon);
    result.of[v] =
        from_float<T>(relu_if(relu, (to_float(here.of[v]) - mean.of[v]) * inverse * scale.of[v] + shift.of[v]));
  }
  store_channels(y + i * V, result);
}

// Of dy, and of dy (x - mean).
template <int V, class T>
__global__ void __launch_bounds__(column_threads, no_spills)
    batch_norm_nhwc_sums_kernel(int rows, int C, const T* __restrict__ x, const float* __restrict__ mean,
                                const T* __restrict__ dy, float* __restrict__ sums, float* __restrict__ dots) {
  FOVEA_SHARED(float, scratch, [V][column_threads]);
  const int channel = column_channel<V>();
  float m[V] = {}, sum[V] = {}, dot[V] = {};
  if (channel < C)
    for (int v = 0; v < V; ++v) m[v] = mean[channel + v];
  for_each_row<V>(rows, C, [&](std::int64_t at) {
    const Channels<T, V> here = load_channels<V>(x + at), gradient = load_channels<V>(dy + at);
    for (int v = 0; v < V; ++v) {
      sum[v] += to_float(gradient.of[v]);
      dot[v] += to_float(gradient.of[v]) * (to_float(here.of[v]) - m[v]);
    }
  });
  add_lanes(sum, scratch);
  add_lanes(dot, scratch);
  store_slice(C, sum, sums);
  store_slice(C, dot, dots);
}

// `spread` holds inverse deviations, or where `frozen` the running variances, and the statistics are constants. `dx` may
// be null; then one slice of blocks is enough. `slices` is that of the sums.
template <bool frozen, int V, class T>
__global__ void __launch_bounds__(column_threads, no_spills)
    batch_norm_nhwc_backward_kernel(int rows, int C, int slices, float epsilon, const T* __restrict__ x,
                                    const float* __restrict__ weight, const float* __restrict__ mean,
                                    const float* __restrict__ spread, const T* __restrict__ dy,
                                    const float* __restrict__ sums, const float* __restrict__ dots, T* __restrict__ dx,
                                    float* __restrict__ dweight, float* __restrict__ dbias) {
  FOVEA_SHARED(float, scratch, [V][column_threads]);
  float sum[V], dot[V], m[V], inverse[V], scale[V];
  add_slices(C, slices, sums, sum, scratch);
  add_slices(C, slices, dots, dot, scratch);
  const int channel = column_channel<V>();
  if (channel >= C) return;  // no barrier follows
  const float M = static_cast<float>(rows);
  for (int v = 0; v < V; ++v) {
    const int c = channel + v;
    inverse[v] = frozen ? inverse_of(spread[c], epsilon) : spread[c];
    dot[v] = dot[v] * inverse[v];
    if (blockIdx.y == 0 && column_lane() == 0) {
      dbias[c] = sum[v];
      dweight[c] = dot[v];
    }
    m[v] = mean[c];
    scale[v] = weight[c] * inverse[v];
    sum[v] = sum[v] / M;
    dot[v] = dot[v] / M;
  }
  if (dx == nullptr) return;
  for_each_row<V>(rows, C, [&](std::int64_t at) {
    const Channels<T, V> gradient = load_channels<V>(dy + at);
    Channels<T, V> result;
    if (frozen) {
      for (int v = 0; v < V; ++v) result.of[v] = from_float<T>(scale[v] * to_float(gradient.of[v]));
    } else {
      const Channels<T, V> here = load_channels<V>(x + at);
      for (int v = 0; v < V; ++v) {
        const float z = (to_float(here.of[v]) - m[v]) * inverse[v];
        result.of[v] = from_float<T>(scale[v] * (to_float(gradient.of[v]) - sum[v] - z * dot[v]));
      }
    }
    store_channels(dx + at, result);
  });
}

std::size_t batch_norm_nhwc_workspace(std::int64_t rows, std::int64_t C) {
  return static_cast<std::size_t>(2 * column_slices(rows, C) * C) * sizeof(float);
}

template <class T>
void batch_norm_nhwc_forward(Stream& stream, const BatchNormGeometry& g, bool relu, const T* x, const float* weight,
                             const float* bias, float* running_mean, float* running_variance, T* y, float* mean,
                             float* inverse_deviation, float* sums) {
  constexpr int wide = wide_channels<T>;
  const std::int64_t slices = column_slices(g.values(), g.C);
  float* squares = sums + slices * g.C;
  const bool is_wide = channels_are_wide<T>(g.C, {x, weight, bias, y, sums, squares});
  const dim3 blocks = is_wide ? column_blocks<wide>(g.C, slices) : column_blocks<1>(g.C, slices), block(column_threads);
  const int rows = static_cast<int>(g.values()), C = static_cast<int>(g.C);
  const double M = static_cast<double>(g.values());
  launch(stream, "batch_norm_nhwc_sums", is_wide ? column_sums_kernel<wide, T> : column_sums_kernel<1, T>, blocks,
         block, 0, rows, C, x, sums);
  launch(stream, "batch_norm_nhwc_squares",
         is_wide ? batch_norm_nhwc_squares_kernel<wide, T> : batch_norm_nhwc_squares_kernel<1, T>, blocks, block, 0,
         rows, C, x, static_cast<const float*>(sums), squares);
  launch(stream, "batch_norm_nhwc_normalise",
         is_wide ? batch_norm_nhwc_normalise_kernel<wide, T> : batch_norm_nhwc_normalise_kernel<1, T>, blocks, block, 0,
         rows, C, g.epsilon, g.momentum, static_cast<float>(g.momentum * M / (M - 1)), relu, x, weight, bias,
         static_cast<const float*>(sums), static_cast<const float*>(squares), running_mean, running_variance, y, mean,
         inverse_deviation);
}

template <class T>
void batch_norm_nhwc_inference(Stream& stream, const BatchNormGeometry& g, bool relu, const T* x, const float* weight,
                               const float* bias, const float* running_mean, const float* running_variance, T* y) {
  constexpr int wide = wide_channels<T>;
  const bool is_wide = channels_are_wide<T>(g.C, {x, weight, bias, running_mean, running_variance, y});
  const std::int64_t vectors = g.C / (is_wide ? wide : 1), threads = g.values() * vectors;
  launch(stream, "batch_norm_nhwc_inference",
         is_wide ? batch_norm_nhwc_inference_kernel<wide, T> : batch_norm_nhwc_inference_kernel<1, T>,
         elementwise_blocks(threads), dim3(elementwise_threads), 0, threads, Divisor(vectors), g.epsilon, relu, x,
         weight, bias, running_mean, running_variance, y);
}

template <class T, bool frozen>
void batch_norm_nhwc_backward(Stream& stream, const BatchNormGeometry& g, const T* x, const float* weight,
                              const float* mean, const float* spread, const T* dy, T* dx, float* dweight, float* dbias,
                              float* sums) {
  constexpr int wide = wide_channels<T>;
  const std::int64_t slices = column_slices(g.values(), g.C), written = dx != nullptr ? slices : 1;
  float* dots = sums + slices * g.C;
  const bool is_wide = channels_are_wide<T>(g.C, {x, dy, dx, sums, dots});
  const auto blocks = [&](std::int64_t n) { return is_wide ? column_blocks<wide>(g.C, n) : column_blocks<1>(g.C, n); };
  const int rows = static_cast<int>(g.values()), C = static_cast<int>(g.C);
  launch(stream, "batch_norm_nhwc_gradient_sums",
         is_wide ? batch_norm_nhwc_sums_kernel<wide, T> : batch_norm_nhwc_sums_kernel<1, T>, blocks(slices),
         dim3(column_threads), 0, rows, C, x, mean, dy, sums, dots);
  launch(stream, "batch_norm_nhwc_backward",
         is_wide ? batch_norm_nhwc_backward_kernel<frozen, wide, T> : batch_norm_nhwc_backward_kernel<frozen, 1, T>,
         blocks(written), dim3(column_threads), 0, rows, C, static_cast<int>(slices), g.epsilon, x, weight, mean,
         spread, dy, static_cast<const float*>(sums), static_cast<const float*>(dots), dx, dweight, dbias);
}

FOVEA_INSTANTIATE_STORAGE(batch_norm_nhwc_forward);
FOVEA_INSTANTIATE_STORAGE(batch_norm_nhwc_inference);
FOVEA_INSTANTIATE_STORAGE(batch_norm_nhwc_backward, false);
FOVEA_INSTANTIATE_STORAGE(batch_norm_nhwc_backward, true);

}  // namespace fovea::FOVEA_TARGET
