// SPDX-License-Identifier: Apache-2.0
//
// ReLU, forward and backward (core/ops/relu.h), over `count` elements of any shape.
//
// Thread i computes element i. Neighbouring threads touch neighbouring addresses, so every memory transaction is full;
// nothing is reused, so the kernels run at the speed of memory. Backward reads the output y instead of the input x:
// its sign says the same, and the input's buffer can be reused meanwhile.
#include "cuda/kernels/elementwise.cuh"
#include "cuda/kernels/kernels.h"
#include "cuda/runtime/launch.h"

namespace fovea::FOVEA_TARGET {

// `x <= 0 ? 0 : x` and not `x > 0 ? x : 0`: a NaN fails every comparison and must pass through.
__global__ void __launch_bounds__(elementwise_threads)
    relu_forward_kernel(std::int64_t count, const float* x, float* y) {
  const std::int64_t i = global_thread();
  if (i < count) y[i] = x[i] <= 0.0f ? 0.0f : x[i];
}

__global__ void __launch_bounds__(elementwise_threads)
    relu_backward_kernel(std::int64_t count, const float* y, const float* dy, float* dx) {
  const std::int64_t i = global_thread();
  if (i < count) dx[i] = y[i] <= 0.0f ? 0.0f : dy[i];
}

void relu_forward(Stream& stream, std::int64_t count, const float* x, float* y) {
  launch(stream, "relu_forward", relu_forward_kernel, elementwise_blocks(count), dim3(elementwise_threads), 0, count, x,
         y);
}

void relu_backward(Stream& stream, std::int64_t count, const float* y, const float* dy, float* dx) {
  launch(stream, "relu_backward", relu_backward_kernel, elementwise_blocks(count), dim3(elementwise_threads), 0, count,
         y, dy, dx);
}

}  // namespace fovea::FOVEA_TARGET
