// SPDX-License-Identifier: Apache-2.0
//
// Exponential moving average of all weights at once (core/ops/average.h). a and w are flat arenas of `count` floats.
//
// Thread i updates element i; neighbouring threads touch neighbouring addresses, so the kernel runs at the speed of
// memory. Every operation is rounded by itself, so that the bits are the reference's.
#include "core/ops/average.h"

#include "cuda/kernels/elementwise.cuh"
#include "cuda/kernels/kernels_update.h"
#include "cuda/kernels/step_arguments.cuh"
#include "cuda/runtime/launch.h"

namespace fovea::FOVEA_TARGET {

__global__ void __launch_bounds__(elementwise_threads)
    average_step_kernel(float rest, const std::int64_t* __restrict__ halt, std::int64_t count, float* __restrict__ a,
                        const float* __restrict__ w) {
  const std::int64_t i = global_thread();
  if (i < count && !halted(halt)) a[i] = __fadd_rn(a[i], __fmul_rn(rest, __fsub_rn(w[i], a[i])));
}

void average_step(Stream& stream, double decay, const std::int64_t* halt, std::int64_t count, float* a,
                  const float* w) {
  launch(stream, "average_step", average_step_kernel, elementwise_blocks(count), dim3(elementwise_threads), 0,
         static_cast<float>(1 - decay), halt, count, a, w);
}

}  // namespace fovea::FOVEA_TARGET
