// SPDX-License-Identifier: Apache-2.0
//
// Between the types that tensors are stored as (core/ops/cast.h), over `count` elements of any shape.
//
// Thread i converts element i; neighbouring threads touch neighbouring addresses, and the kernel runs at the speed of
// memory.
#include "cuda/kernels/elementwise.cuh"
#include "cuda/kernels/kernels.h"
#include "cuda/runtime/launch.h"

namespace fovea::FOVEA_TARGET {

template <class From, class To>
__global__ void __launch_bounds__(elementwise_threads) cast_kernel(std::int64_t count, const From* x, To* y) {
  const std::int64_t i = global_thread();
  if (i < count) y[i] = from_float<To>(to_float(x[i]));
}

template <class From, class To>
void cast(Stream& stream, std::int64_t count, const From* x, To* y) {
  launch(stream, "cast", cast_kernel<From, To>, elementwise_blocks(count), dim3(elementwise_threads), 0, count, x, y);
}

FOVEA_INSTANTIATE_STORAGE(cast, float);
FOVEA_INSTANTIATE_STORAGE(cast, bf16_t);
FOVEA_INSTANTIATE_STORAGE(cast, f16_t);

}  // namespace fovea::FOVEA_TARGET
