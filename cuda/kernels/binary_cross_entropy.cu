// SPDX-License-Identifier: Apache-2.0
//
// Binary cross-entropy of logits, forward and backward (core/ops/binary_cross_entropy.h).
//
//   x, t, dx [N, M]     losses [N]     loss, dloss [1]
//   losses[n] = 1/M * sum of max(x, 0) - x t + log(1 + exp(-|x|))     dx = dloss / (N M) * (sigmoid(x) - t)
//
// Forward: block n sums sample n; thread t takes every 256th element, and a tree in shared memory adds the 256 sums.
// mean_loss.cu takes the mean over the batch. Backward: thread i computes element i.
// exp is taken of -|x| only: it cannot overflow, and log1pf keeps all digits of the small values that it gives. NaN
// comes through x t, which it makes NaN.
#include "cuda/kernels/elementwise.cuh"
#include "cuda/kernels/kernels.h"
#include "cuda/kernels/reduce.cuh"
#include "cuda/runtime/launch.h"

namespace fovea::FOVEA_TARGET {

template <class T>
__global__ void __launch_bounds__(elementwise_threads)
    binary_cross_entropy_forward_kernel(std::int64_t M, const T* __restrict__ x, const T* __restrict__ target,
                                        float* __restrict__ losses) {
  FOVEA_SHARED(float, scratch, [elementwise_threads]);
  const std::int64_t first = static_cast<std::int64_t>(blockIdx.x) * M;
  float sum = 0.0f;
  for (std::int64_t i = threadIdx.x; i < M; i += elementwise_threads) {
    const float logit = to_float(x[first + i]), positive = logit > 0.0f ? logit : 0.0f;
    sum += (positive - logit * to_float(target[first + i])) + log1pf(expf(-fabsf(logit)));
  }
  const float total = block_sum(sum, scratch);
  if (threadIdx.x == 0) losses[blockIdx.x] = total / static_cast<float>(M);
}

template <class T>
__global__ void __launch_bounds__(elementwise_threads)
    binary_cross_entropy_backward_kernel(std::int64_t count, const T* __restrict__ x, const T* __restrict__ target,
                                         const float* __restrict__ dloss, T* __restrict__ dx) {
  const std::int64_t i = global_thread();
  if (i >= count) return;
  const float scale = *dloss / static_cast<float>(count);
  const float logit = to_float(x[i]), e = expf(-fabsf(logit));
  const float sigmoid = (logit < 0.0f ? e : 1.0f) / (1.0f + e);
  dx[i] = from_float<T>(scale * (sigmoid - to_float(target[i])));
}

template <class T>
void binary_cross_entropy_forward(Stream& stream, std::int64_t N, std::int64_t M, const T* x, const T* target,
                                  float* losses, float* loss) {
  launch(stream, "binary_cross_entropy_forward", binary_cross_entropy_forward_kernel<T>, dim3(static_cast<unsigned>(N)),
         dim3(elementwise_threads), 0, M, x, target, losses);
  mean_loss(stream, N, losses, loss);
}

template <class T>
void binary_cross_entropy_backward(Stream& stream, std::int64_t N, std::int64_t M, const T* x, const T* target,
                                   const float* dloss, T* dx) {
  launch(stream, "binary_cross_entropy_backward", binary_cross_entropy_backward_kernel<T>, elementwise_blocks(N * M),
         dim3(elementwise_threads), 0, N * M, x, target, dloss, dx);
}

FOVEA_INSTANTIATE_STORAGE(binary_cross_entropy_forward);
FOVEA_INSTANTIATE_STORAGE(binary_cross_entropy_backward);

}  // namespace fovea::FOVEA_TARGET
