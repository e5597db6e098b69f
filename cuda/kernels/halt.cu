// SPDX-License-Identifier: Apache-2.0
//
// Whether a step is made (core/ops/halt.h), decided on the device.
//
//   found [n] i64     halt [1] i64     from, to [count]
//
// halt_if_found: one thread looks through the few numbers, of which there is one for each run of parameters. A launch costs
// more than all of it. restore_if_halted: thread i moves element i; where nothing has halted, the usual case, every thread
// reads one word and is done.
#include "core/ops/halt.h"

#include "cuda/kernels/elementwise.cuh"
#include "cuda/kernels/kernels.h"
#include "cuda/kernels/step_arguments.cuh"
#include "cuda/runtime/launch.h"

namespace fovea::FOVEA_TARGET {

__global__ void __launch_bounds__(1)
    halt_if_found_kernel(std::int64_t count, const std::int64_t* __restrict__ found, std::int64_t* __restrict__ halt) {
  std::int64_t first = *halt;
  for (std::int64_t i = 0; first < 0 && i < count; ++i)
    if (found[i] >= 0) first = i;
  *halt = first;
}

__global__ void __launch_bounds__(elementwise_threads)
    restore_if_halted_kernel(const std::int64_t* __restrict__ halt, std::int64_t count, const float* __restrict__ from,
                             float* __restrict__ to) {
  const std::int64_t i = global_thread();
  if (i < count && halted(halt)) to[i] = from[i];
}

void halt_if_found(Stream& stream, std::int64_t count, const std::int64_t* found, std::int64_t* halt) {
  launch(stream, "halt_if_found", halt_if_found_kernel, dim3(1), dim3(1), 0, count, found, halt);
}

void restore_if_halted(Stream& stream, const std::int64_t* halt, std::int64_t count, const float* from, float* to) {
  launch(stream, "restore_if_halted", restore_if_halted_kernel, elementwise_blocks(count), dim3(elementwise_threads), 0,
         halt, count, from, to);
}

}  // namespace fovea::FOVEA_TARGET
