// SPDX-License-Identifier: Apache-2.0
//
// Hyperbolic tangent, forward and backward (core/ops/tanh.h), over `count` elements of any shape.
//
// Thread i computes element i; neighbouring threads touch neighbouring addresses. Backward needs only the output:
// tanh'(x) = 1 - tanh(x)^2 = 1 - y^2. tanhf is the accurate one (within 2 units in the last place), not the hardware's
// approximation: the kernels are bound by memory, so accuracy costs nothing.
#include "cuda/kernels/elementwise.cuh"
#include "cuda/kernels/kernels.h"
#include "cuda/runtime/launch.h"

namespace fovea::FOVEA_TARGET {

__global__ void __launch_bounds__(elementwise_threads)
    tanh_forward_kernel(std::int64_t count, const float* x, float* y) {
  const std::int64_t i = global_thread();
  if (i < count) y[i] = tanhf(x[i]);
}

__global__ void __launch_bounds__(elementwise_threads)
    tanh_backward_kernel(std::int64_t count, const float* y, const float* dy, float* dx) {
  const std::int64_t i = global_thread();
  if (i < count) dx[i] = dy[i] * (1.0f - y[i] * y[i]);
}

void tanh_forward(Stream& stream, std::int64_t count, const float* x, float* y) {
  launch(stream, "tanh_forward", tanh_forward_kernel, elementwise_blocks(count), dim3(elementwise_threads), 0, count, x,
         y);
}

void tanh_backward(Stream& stream, std::int64_t count, const float* y, const float* dy, float* dx) {
  launch(stream, "tanh_backward", tanh_backward_kernel, elementwise_blocks(count), dim3(elementwise_threads), 0, count,
         y, dy, dx);
}

}  // namespace fovea::FOVEA_TARGET
