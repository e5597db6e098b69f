// SPDX-License-Identifier: Apache-2.0
//
// Bias of images in NHWC and its gradient (core/ops/bias.h).
//
//   y, dy  [rows, K], rows = N * P * Q     bias, dbias  [K]
//
// bias_add: thread i computes V neighbouring channels of one position (channels.cuh), 16 bytes, and finds their biases in
// the cache. The sums are those of bias.cu: the same bits.
// bias_gradient: sums over slices of the rows, then over the slices (column_sums.cuh); where one slice is enough, one
// launch.
#include "cuda/kernels/channels.cuh"
#include "cuda/kernels/column_sums.cuh"
#include "cuda/kernels/elementwise.cuh"
#include "cuda/kernels/kernels_nhwc.h"
#include "cuda/runtime/launch.h"

namespace fovea::FOVEA_TARGET {

template <int V, class T>
__global__ void __launch_bounds__(elementwise_threads)
    bias_nhwc_add_kernel(std::int64_t threads, Divisor vectors, const float* __restrict__ bias, T* y) {
  const std::int64_t i = global_thread();
  if (i >= threads) return;
  const Channels<float, V> b = load_channels<V>(bias + static_cast<int>(i) % vectors * V);
  Channels<T, V> values = load_channels<V>(y + i * V);
  for (int v = 0; v < V; ++v) values.of[v] = from_float<T>(to_float(values.of[v]) + b.of[v]);
  store_channels(y + i * V, values);
}

template <class T>
void bias_nhwc_add(Stream& stream, std::int64_t rows, std::int64_t K, const float* bias, T* y) {
  constexpr int wide = wide_channels<T>;
  const bool is_wide = channels_are_wide<T>(K, {bias, y});
  const std::int64_t vectors = K / (is_wide ? wide : 1), threads = rows * vectors;
  launch(stream, "bias_nhwc_add", is_wide ? bias_nhwc_add_kernel<wide, T> : bias_nhwc_add_kernel<1, T>,
         elementwise_blocks(threads), dim3(elementwise_threads), 0, threads, Divisor(vectors), bias, y);
}

std::size_t bias_nhwc_gradient_workspace(std::int64_t rows, std::int64_t K) {
  const std::int64_t slices = column_slices(rows, K);
  return slices > 1 ? static_cast<std::size_t>(slices * K) * sizeof(float) : 0;
}

template <class T>
void bias_nhwc_gradient(Stream& stream, std::int64_t rows, std::int64_t K, const T* dy, float* dbias, float* sums) {
  constexpr int wide = wide_channels<T>;
  const std::int64_t slices = column_slices(rows, K);
  float* first = slices > 1 ? sums : dbias;
  const bool is_wide = channels_are_wide<T>(K, {dy, first, dbias});
  launch(stream, "bias_nhwc_gradient", is_wide ? column_sums_kernel<wide, T> : column_sums_kernel<1, T>,
         is_wide ? column_blocks<wide>(K, slices) : column_blocks<1>(K, slices), dim3(column_threads), 0,
         static_cast<int>(rows), static_cast<int>(K), dy, first);
  if (slices == 1) return;
  launch(stream, "bias_nhwc_gradient_slices", is_wide ? column_sums_kernel<wide, float> : column_sums_kernel<1, float>,
         is_wide ? column_blocks<wide>(K, 1) : column_blocks<1>(K, 1), dim3(column_threads), 0,
         static_cast<int>(slices), static_cast<int>(K), static_cast<const float*>(sums), dbias);
}

FOVEA_INSTANTIATE_STORAGE(bias_nhwc_add);
FOVEA_INSTANTIATE_STORAGE(bias_nhwc_gradient);

}  // namespace fovea::FOVEA_TARGET
