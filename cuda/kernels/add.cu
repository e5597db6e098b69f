// SPDX-License-Identifier: Apache-2.0
//
// Sum of two tensors and its gradient (core/ops/add.h), over `count` elements of any shape. Where `relu`, what is
// stored is the ReLU of the sum (epilogue.cuh).
//
// Thread i computes element i; neighbouring threads touch neighbouring addresses, so the kernel runs at the speed of
// memory. y may be a or b itself (the executor accumulates gradients in place), hence no __restrict__: each thread
// reads its two elements before it writes the third.
#include "cuda/kernels/elementwise.cuh"
#include "cuda/kernels/epilogue.cuh"
#include "cuda/kernels/kernels.h"
#include "cuda/runtime/launch.h"

namespace fovea::FOVEA_TARGET {

template <class T>
__global__ void __launch_bounds__(elementwise_threads)
    add_forward_kernel(std::int64_t count, bool relu, const T* a, const T* b, T* y) {
  const std::int64_t i = global_thread();
  if (i < count) y[i] = from_float<T>(relu_if(relu, to_float(a[i]) + to_float(b[i])));
}

// d(a + b)/da = 1: each input's gradient is a copy of dy.
template <class T>
__global__ void __launch_bounds__(elementwise_threads) add_backward_kernel(std::int64_t count, const T* dy, T* dx) {
  const std::int64_t i = global_thread();
  if (i < count) dx[i] = dy[i];
}

template <class T>
void add_forward(Stream& stream, std::int64_t count, bool relu, const T* a, const T* b, T* y) {
  launch(stream, "add_forward", add_forward_kernel<T>, elementwise_blocks(count), dim3(elementwise_threads), 0, count,
         relu, a, b, y);
}

template <class T>
void add_backward(Stream& stream, std::int64_t count, const T* dy, T* dx) {
  launch(stream, "add_backward", add_backward_kernel<T>, elementwise_blocks(count), dim3(elementwise_threads), 0, count,
         dy, dx);
}

FOVEA_INSTANTIATE_STORAGE(add_forward);
FOVEA_INSTANTIATE_STORAGE(add_backward);

}  // namespace fovea::FOVEA_TARGET
