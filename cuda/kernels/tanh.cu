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

template <class T>
__global__ void __launch_bounds__(elementwise_threads) tanh_forward_kernel(std::int64_t count, const T* x, T* y) {
  const std::int64_t i = global_thread();
  if (i < count) y[i] = from_float<T>(tanhf(to_float(x[i])));
}

template <class T>
__global__ void __launch_bounds__(elementwise_threads)
    tanh_backward_kernel(std::int64_t count, const T* y, const T* dy, T* dx) {
  const std::int64_t i = global_thread();
  if (i >= count) return;
  const float value = to_float(y[i]);
  dx[i] = from_float<T>(to_float(dy[i]) * (1.0f - value * value));
}

template <class T>
void tanh_forward(Stream& stream, std::int64_t count, const T* x, T* y) {
  launch(stream, "tanh_forward", tanh_forward_kernel<T>, elementwise_blocks(count), dim3(elementwise_threads), 0, count,
         x, y);
}

template <class T>
void tanh_backward(Stream& stream, std::int64_t count, const T* y, const T* dy, T* dx) {
  launch(stream, "tanh_backward", tanh_backward_kernel<T>, elementwise_blocks(count), dim3(elementwise_threads), 0,
         count, y, dy, dx);
}

FOVEA_INSTANTIATE_STORAGE(tanh_forward);
FOVEA_INSTANTIATE_STORAGE(tanh_backward);

}  // namespace fovea::FOVEA_TARGET
