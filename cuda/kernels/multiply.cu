// SPDX-License-Identifier: Apache-2.0
//
// Product of two tensors and its gradient (core/ops/multiply.h), over `count` elements of any shape.
//
// Thread i computes element i; neighbouring threads touch neighbouring addresses, so the kernels run at the speed of
// memory. A result may be one of the operands: each thread reads its two elements before it writes the third.
#include "cuda/kernels/elementwise.cuh"
#include "cuda/kernels/kernels.h"
#include "cuda/runtime/launch.h"

namespace fovea::FOVEA_TARGET {

template <class T>
__global__ void __launch_bounds__(elementwise_threads)
    multiply_forward_kernel(std::int64_t count, const T* a, const T* b, T* y) {
  const std::int64_t i = global_thread();
  if (i < count) y[i] = from_float<T>(to_float(a[i]) * to_float(b[i]));
}

// d(a * b)/da = b: each input's gradient needs the other input.
template <class T>
__global__ void __launch_bounds__(elementwise_threads)
    multiply_backward_kernel(std::int64_t count, const T* other, const T* dy, T* dx) {
  const std::int64_t i = global_thread();
  if (i < count) dx[i] = from_float<T>(to_float(dy[i]) * to_float(other[i]));
}

template <class T>
void multiply_forward(Stream& stream, std::int64_t count, const T* a, const T* b, T* y) {
  launch(stream, "multiply_forward", multiply_forward_kernel<T>, elementwise_blocks(count), dim3(elementwise_threads),
         0, count, a, b, y);
}

template <class T>
void multiply_backward(Stream& stream, std::int64_t count, const T* other, const T* dy, T* dx) {
  launch(stream, "multiply_backward", multiply_backward_kernel<T>, elementwise_blocks(count), dim3(elementwise_threads),
         0, count, other, dy, dx);
}

FOVEA_INSTANTIATE_STORAGE(multiply_forward);
FOVEA_INSTANTIATE_STORAGE(multiply_backward);

}  // namespace fovea::FOVEA_TARGET
