// SPDX-License-Identifier: Apache-2.0
//
// The mean of a batch's losses, the last step of hinge_loss, mean_squared_error and binary_cross_entropy.
//
//   losses [count]     loss [1] = sum of losses / count
//
// One block: a batch has few samples. Thread t adds every 256th loss, so that neighbouring threads read neighbouring
// addresses, and a tree in shared memory adds the 256 sums: the same order on every run.
#include "cuda/kernels/kernels.h"
#include "cuda/kernels/reduce.cuh"
#include "cuda/runtime/launch.h"

namespace fovea::FOVEA_TARGET {

constexpr int mean_loss_threads = 256;

__global__ void __launch_bounds__(mean_loss_threads)
    mean_loss_kernel(std::int64_t count, const float* __restrict__ losses, float* __restrict__ loss) {
  FOVEA_SHARED(float, scratch, [mean_loss_threads]);
  float sum = 0.0f;
  for (std::int64_t n = threadIdx.x; n < count; n += mean_loss_threads) sum += losses[n];
  const float total = block_sum(sum, scratch);
  if (threadIdx.x == 0) *loss = total / static_cast<float>(count);
}

void mean_loss(Stream& stream, std::int64_t count, const float* losses, float* loss) {
  launch(stream, "mean_loss", mean_loss_kernel, dim3(1), dim3(mean_loss_threads), 0, count, losses, loss);
}

}  // namespace fovea::FOVEA_TARGET
