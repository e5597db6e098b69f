// SPDX-License-Identifier: Apache-2.0
//
// Bias along axis 1 and its gradient (core/ops/bias.h).
//
//   y, dy  [N, K, positions]     bias, dbias  [K]        positions = P*Q, or 1 for a linear layer
//
// bias_add: thread i computes element i of y; the bias is small and stays in cache. (conv2d and linear add their bias
// while they still hold the result in registers; this kernel serves engines that cannot.)
// bias_gradient: block k sums channel k. Thread t takes every 256th of the N*positions values, so that neighbouring
// threads read neighbouring addresses; a tree in shared memory adds the 256 partial sums. The order is fixed by the
// shape, where atomic additions would give other bits on every run.
#include "cuda/kernels/divisor.cuh"
#include "cuda/kernels/elementwise.cuh"
#include "cuda/kernels/kernels.h"
#include "cuda/kernels/reduce.cuh"
#include "cuda/runtime/launch.h"

namespace fovea::FOVEA_TARGET {

constexpr int bias_gradient_threads = 256;

template <class T>
__global__ void __launch_bounds__(elementwise_threads)
    bias_add_kernel(std::int64_t count, Divisor K, Divisor positions, const float* __restrict__ bias, T* y) {
  const std::int64_t i = global_thread();
  if (i < count) y[i] = from_float<T>(to_float(y[i]) + bias[static_cast<int>(i) / positions % K]);
}

template <class T>
__global__ void __launch_bounds__(bias_gradient_threads)
    bias_gradient_kernel(int N, int K, Divisor positions, const T* __restrict__ dy, float* dbias) {
  FOVEA_SHARED(float, scratch, [bias_gradient_threads]);
  const int k = static_cast<int>(blockIdx.x);
  float sum = 0.0f;
  for (std::int64_t i = threadIdx.x; i < N * positions; i += bias_gradient_threads) {
    const int n = static_cast<int>(i) / positions, position = static_cast<int>(i) % positions;
    sum += to_float(dy[(n * K + k) * positions + position]);
  }
  const float total = block_sum(sum, scratch);
  if (threadIdx.x == 0) dbias[k] = total;
}

template <class T>
void bias_add(Stream& stream, std::int64_t N, std::int64_t K, std::int64_t positions, const float* bias, T* y) {
  const std::int64_t count = N * K * positions;
  launch(stream, "bias_add", bias_add_kernel<T>, elementwise_blocks(count), dim3(elementwise_threads), 0, count,
         Divisor(K), Divisor(positions), bias, y);
}

template <class T>
void bias_gradient(Stream& stream, std::int64_t N, std::int64_t K, std::int64_t positions, const T* dy, float* dbias) {
  launch(stream, "bias_gradient", bias_gradient_kernel<T>, dim3(static_cast<unsigned>(K)), dim3(bias_gradient_threads),
         0, static_cast<int>(N), static_cast<int>(K), Divisor(positions), dy, dbias);
}

FOVEA_INSTANTIATE_STORAGE(bias_add);
FOVEA_INSTANTIATE_STORAGE(bias_gradient);

}  // namespace fovea::FOVEA_TARGET
