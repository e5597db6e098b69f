// SPDX-License-Identifier: Apache-2.0
//
// Mean squared error, forward and backward (core/ops/mean_squared_error.h).
//
//   x, target, dx [N, M]     losses [N]     loss, dloss [1]
//   losses[n] = 1/M * sum of (x - target)^2     dx = dloss * 2 / (N M) * (x - target)
//
// Forward: block n sums sample n; thread t takes every 256th element, so that neighbouring threads read neighbouring
// addresses, and a tree in shared memory adds the 256 sums. mean_loss.cu takes the mean over the batch.
// Backward: thread i computes element i.
#include "cuda/kernels/elementwise.cuh"
#include "cuda/kernels/kernels.h"
#include "cuda/kernels/reduce.cuh"
#include "cuda/runtime/launch.h"

namespace fovea::FOVEA_TARGET {

template <class T>
__global__ void __launch_bounds__(elementwise_threads)
    mean_squared_error_forward_kernel(std::int64_t M, const T* __restrict__ x, const T* __restrict__ target,
                                      float* __restrict__ losses) {
  FOVEA_SHARED(float, scratch, [elementwise_threads]);
  const std::int64_t first = static_cast<std::int64_t>(blockIdx.x) * M;
  float sum = 0.0f;
  for (std::int64_t i = threadIdx.x; i < M; i += elementwise_threads) {
    const float difference = to_float(x[first + i]) - to_float(target[first + i]);
    sum += difference * difference;
  }
  const float total = block_sum(sum, scratch);
  if (threadIdx.x == 0) losses[blockIdx.x] = total / static_cast<float>(M);
}

template <class T>
__global__ void __launch_bounds__(elementwise_threads)
    mean_squared_error_backward_kernel(std::int64_t count, const T* __restrict__ x, const T* __restrict__ target,
                                       const float* __restrict__ dloss, T* __restrict__ dx) {
  const std::int64_t i = global_thread();
  if (i >= count) return;
  const float scale = *dloss * 2.0f / static_cast<float>(count);
  dx[i] = from_float<T>(scale * (to_float(x[i]) - to_float(target[i])));
}

template <class T>
void mean_squared_error_forward(Stream& stream, std::int64_t N, std::int64_t M, const T* x, const T* target,
                                float* losses, float* loss) {
  launch(stream, "mean_squared_error_forward", mean_squared_error_forward_kernel<T>, dim3(static_cast<unsigned>(N)),
         dim3(elementwise_threads), 0, M, x, target, losses);
  mean_loss(stream, N, losses, loss);
}

template <class T>
void mean_squared_error_backward(Stream& stream, std::int64_t N, std::int64_t M, const T* x, const T* target,
                                 const float* dloss, T* dx) {
  launch(stream, "mean_squared_error_backward", mean_squared_error_backward_kernel<T>, elementwise_blocks(N * M),
         dim3(elementwise_threads), 0, N * M, x, target, dloss, dx);
}

FOVEA_INSTANTIATE_STORAGE(mean_squared_error_forward);
FOVEA_INSTANTIATE_STORAGE(mean_squared_error_backward);

}  // namespace fovea::FOVEA_TARGET
