// SPDX-License-Identifier: Apache-2.0
//
// Batch normalisation, forward and backward, in training and inference (core/ops/batch_norm.h).
//
//   x, y, dy, dx [N, C, positions]     weight, bias, mean, inverse_deviation, running_* [C]     M = N * positions
//
// Statistics and gradients of weight and bias: block c sums the M values of channel c. Thread t takes every 256th, so
// that neighbouring threads read neighbouring addresses; a tree in shared memory adds the 256 partial sums. The order is
// fixed by the shape, so that results repeat bit for bit. The variance is taken in a second pass over the channel, of
// the differences from the mean: the one-pass formula, mean of squares minus square of mean, loses all digits of a
// channel whose mean is large beside its deviation.
// y and dx: thread i computes element i, from what the reductions left; limited by memory. Where `relu`, what is
// stored is the ReLU of y (epilogue.cuh).
#include "cuda/kernels/batch_norm.cuh"
#include "cuda/kernels/divisor.cuh"
#include "cuda/kernels/elementwise.cuh"
#include "cuda/kernels/epilogue.cuh"
#include "cuda/kernels/kernels.h"
#include "cuda/kernels/reduce.cuh"
#include "cuda/runtime/launch.h"

namespace fovea::FOVEA_TARGET {

constexpr int channel_threads = 256;

struct BatchNormIndex {
  int values;  // of a channel
  float epsilon;
  Divisor C, positions;

  explicit BatchNormIndex(const BatchNormGeometry& g)
      : values(static_cast<int>(g.values())), epsilon(g.epsilon), C(g.C), positions(g.positions) {}
  std::int64_t count() const { return static_cast<std::int64_t>(values) * C.value; }
};

// Where value i of channel c lies in [N, C, positions].
__device__ __forceinline__ int element_of(const BatchNormIndex& g, int c, int i) {
  return (i / g.positions * g.C + c) * g.positions + i % g.positions;
}

// Sum of term(element) over the block's channel, in all threads.
template <class Term>
__device__ __forceinline__ float channel_sum(const BatchNormIndex& g, int c, float (&scratch)[channel_threads],
                                             Term term) {
  float sum = 0.0f;
  for (std::int64_t i = threadIdx.x; i < g.values; i += channel_threads)
    sum += term(element_of(g, c, static_cast<int>(i)));
  return block_sum_for_all(sum, scratch);
}

// `unbiased` = momentum * M / (M - 1).
template <class T>
__global__ void __launch_bounds__(channel_threads)
    batch_norm_statistics_kernel(BatchNormIndex g, float momentum, float unbiased, const T* __restrict__ x,
                                 float* __restrict__ running_mean, float* __restrict__ running_variance,
                                 float* __restrict__ mean, float* __restrict__ inverse_deviation) {
  FOVEA_SHARED(float, scratch, [channel_threads]);
  const int c = static_cast<int>(blockIdx.x);
  const float M = static_cast<float>(g.values);
  const float m = channel_sum(g, c, scratch, [=](int i) { return to_float(x[i]); }) / M;
  const auto square = [=](int i) { return (to_float(x[i]) - m) * (to_float(x[i]) - m); };
  const float variance = channel_sum(g, c, scratch, square) / M;
  if (threadIdx.x == 0) {
    mean[c] = m;
    inverse_deviation[c] = inverse_of(variance, g.epsilon);
    running_mean[c] = running_value(running_mean[c], momentum, m, momentum);
    running_variance[c] = running_value(running_variance[c], momentum, variance, unbiased);
  }
}

// `spread` holds inverse deviations, or variances where `of_variance`.
template <bool of_variance, class T>
__global__ void __launch_bounds__(elementwise_threads)
    batch_norm_normalise_kernel(BatchNormIndex g, bool relu, const T* __restrict__ x, const float* __restrict__ weight,
                                const float* __restrict__ bias, const float* __restrict__ mean,
                                const float* __restrict__ spread, T* __restrict__ y) {
  const std::int64_t i = global_thread();
  if (i >= static_cast<std::int64_t>(g.values) * g.C) return;
  const int c = static_cast<int>(i) / g.positions % g.C;
  const float inverse = of_variance ? inverse_of(spread[c], g.epsilon) : spread[c];
  y[i] = from_float<T>(relu_if(relu, (to_float(x[i]) - mean[c]) * inverse * weight[c] + bias[c]));
}

template <bool of_variance, class T>
__global__ void __launch_bounds__(channel_threads)
    batch_norm_sums_kernel(BatchNormIndex g, const T* __restrict__ x, const float* __restrict__ mean,
                           const float* __restrict__ spread, const T* __restrict__ dy, float* __restrict__ dweight,
                           float* __restrict__ dbias) {
  FOVEA_SHARED(float, scratch, [channel_threads]);
  const int c = static_cast<int>(blockIdx.x);
  const float m = mean[c];
  float sum = 0.0f, dot = 0.0f;
  for (std::int64_t i = threadIdx.x; i < g.values; i += channel_threads) {
    const int element = element_of(g, c, static_cast<int>(i));
    sum += to_float(dy[element]);
    dot += to_float(dy[element]) * (to_float(x[element]) - m);
  }
  const float total = block_sum_for_all(sum, scratch), total_dot = block_sum_for_all(dot, scratch);
  if (threadIdx.x == 0) {
    dbias[c] = total;
    dweight[c] = total_dot * (of_variance ? inverse_of(spread[c], g.epsilon) : spread[c]);
  }
}

template <class T>
__global__ void __launch_bounds__(elementwise_threads)
    batch_norm_backward_kernel(BatchNormIndex g, const T* __restrict__ x, const float* __restrict__ weight,
                               const float* __restrict__ mean, const float* __restrict__ inverse_deviation,
                               const T* __restrict__ dy, const float* __restrict__ dweight,
                               const float* __restrict__ dbias, T* __restrict__ dx) {
  const std::int64_t i = global_thread();
  if (i >= static_cast<std::int64_t>(g.values) * g.C) return;
  const int c = static_cast<int>(i) / g.positions % g.C;
  const float M = static_cast<float>(g.values), inverse = inverse_deviation[c];
  const float z = (to_float(x[i]) - mean[c]) * inverse;
  dx[i] = from_float<T>(weight[c] * inverse * (to_float(dy[i]) - dbias[c] / M - z * (dweight[c] / M)));
}

template <class T>
__global__ void __launch_bounds__(elementwise_threads)
    batch_norm_inference_backward_kernel(BatchNormIndex g, const float* __restrict__ weight,
                                         const float* __restrict__ running_variance, const T* __restrict__ dy,
                                         T* __restrict__ dx) {
  const std::int64_t i = global_thread();
  if (i >= static_cast<std::int64_t>(g.values) * g.C) return;
  const int c = static_cast<int>(i) / g.positions % g.C;
  dx[i] = from_float<T>(weight[c] * inverse_of(running_variance[c], g.epsilon) * to_float(dy[i]));
}

template <class T>
void batch_norm_forward(Stream& stream, const BatchNormGeometry& g, bool relu, const T* x, const float* weight,
                        const float* bias, float* running_mean, float* running_variance, T* y, float* mean,
                        float* inverse_deviation) {
  const BatchNormIndex index(g);
  const double M = static_cast<double>(g.values());
  launch(stream, "batch_norm_statistics", batch_norm_statistics_kernel<T>, dim3(static_cast<unsigned>(g.C)),
         dim3(channel_threads), 0, index, g.momentum, static_cast<float>(g.momentum * M / (M - 1)), x, running_mean,
         running_variance, mean, inverse_deviation);
  launch(stream, "batch_norm_normalise", batch_norm_normalise_kernel<false, T>, elementwise_blocks(index.count()),
         dim3(elementwise_threads), 0, index, relu, x, weight, bias, static_cast<const float*>(mean),
         static_cast<const float*>(inverse_deviation), y);
}

template <class T>
void batch_norm_backward(Stream& stream, const BatchNormGeometry& g, const T* x, const float* weight, const float* mean,
                         const float* inverse_deviation, const T* dy, T* dx, float* dweight, float* dbias) {
  const BatchNormIndex index(g);
  launch(stream, "batch_norm_sums", batch_norm_sums_kernel<false, T>, dim3(static_cast<unsigned>(g.C)),
         dim3(channel_threads), 0, index, x, mean, inverse_deviation, dy, dweight, dbias);
  if (dx == nullptr) return;
  launch(stream, "batch_norm_backward", batch_norm_backward_kernel<T>, elementwise_blocks(index.count()),
         dim3(elementwise_threads), 0, index, x, weight, mean, inverse_deviation, dy,
         static_cast<const float*>(dweight), static_cast<const float*>(dbias), dx);
}

template <class T>
void batch_norm_inference(Stream& stream, const BatchNormGeometry& g, bool relu, const T* x, const float* weight,
                          const float* bias, const float* running_mean, const float* running_variance, T* y) {
  const BatchNormIndex index(g);
  launch(stream, "batch_norm_inference", batch_norm_normalise_kernel<true, T>, elementwise_blocks(index.count()),
         dim3(elementwise_threads), 0, index, relu, x, weight, bias, running_mean, running_variance, y);
}

template <class T>
void batch_norm_inference_backward(Stream& stream, const BatchNormGeometry& g, const T* x, const float* weight,
                                   const float* running_mean, const float* running_variance, const T* dy, T* dx,
                                   float* dweight, float* dbias) {
  const BatchNormIndex index(g);
  launch(stream, "batch_norm_inference_sums", batch_norm_sums_kernel<true, T>, dim3(static_cast<unsigned>(g.C)),
         dim3(channel_threads), 0, index, x, running_mean, running_variance, dy, dweight, dbias);
  if (dx == nullptr) return;
  launch(stream, "batch_norm_inference_backward", batch_norm_inference_backward_kernel<T>,
         elementwise_blocks(index.count()), dim3(elementwise_threads), 0, index, weight, running_variance, dy, dx);
}

FOVEA_INSTANTIATE_STORAGE(batch_norm_forward);
FOVEA_INSTANTIATE_STORAGE(batch_norm_backward);
FOVEA_INSTANTIATE_STORAGE(batch_norm_inference);
FOVEA_INSTANTIATE_STORAGE(batch_norm_inference_backward);

}  // namespace fovea::FOVEA_TARGET
