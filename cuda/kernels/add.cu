// SPDX-License-Identifier: Apache-2.0
//
// Sum of two tensors and its gradient (core/ops/add.h), over `count` elements of any shape.
//
// Thread i computes element i; neighbouring threads touch neighbouring addresses, so the kernel runs at the speed of
// memory. y may be a or b itself (the executor accumulates gradients in place), hence no __restrict__: each thread
// reads its two elements before it writes the third.
#include "cuda/kernels/elementwise.cuh"
#include "cuda/kernels/kernels.h"
#include "cuda/runtime/launch.h"

namespace fovea::FOVEA_TARGET {

__global__ void __launch_bounds__(elementwise_threads)
    add_forward_kernel(std::int64_t count, const float* a, const float* b, float* y) {
  const std::int64_t i = global_thread();
  if (i < count) y[i] = a[i] + b[i];
}

// d(a + b)/da = 1: each input's gradient is a copy of dy.
__global__ void __launch_bounds__(elementwise_threads)
    add_backward_kernel(std::int64_t count, const float* dy, float* dx) {
  const std::int64_t i = global_thread();
  if (i < count) dx[i] = dy[i];
}

void add_forward(Stream& stream, std::int64_t count, const float* a, const float* b, float* y) {
  launch(stream, "add_forward", add_forward_kernel, elementwise_blocks(count), dim3(elementwise_threads), 0, count, a,
         b, y);
}

void add_backward(Stream& stream, std::int64_t count, const float* dy, float* dx) {
  launch(stream, "add_backward", add_backward_kernel, elementwise_blocks(count), dim3(elementwise_threads), 0, count,
         dy, dx);
}

}  // namespace fovea::FOVEA_TARGET
