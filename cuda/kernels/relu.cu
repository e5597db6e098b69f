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
template <class T>
__global__ void __launch_bounds__(elementwise_threads) relu_forward_kernel(std::int64_t count, const T* x, T* y) {
  const std::int64_t i = global_thread();
  if (i < count) y[i] = to_float(x[i]) <= 0.0f ? T() : x[i];
}

template <class T>
__global__ void __launch_bounds__(elementwise_threads)
    relu_backward_kernel(std::int64_t count, const T* y, const T* dy, T* dx) {
  const std::int64_t i = global_thread();
  if (i < count) dx[i] = to_float(y[i]) <= 0.0f ? T() : dy[i];
}

template <class T>
void relu_forward(Stream& stream, std::int64_t count, const T* x, T* y) {
  launch(stream, "relu_forward", relu_forward_kernel<T>, elementwise_blocks(count), dim3(elementwise_threads), 0, count,
         x, y);
}

template <class T>
void relu_backward(Stream& stream, std::int64_t count, const T* y, const T* dy, T* dx) {
  launch(stream, "relu_backward", relu_backward_kernel<T>, elementwise_blocks(count), dim3(elementwise_threads), 0,
         count, y, dy, dx);
}

FOVEA_INSTANTIATE_STORAGE(relu_forward);
FOVEA_INSTANTIATE_STORAGE(relu_backward);

}  // namespace fovea::FOVEA_TARGET
