// SPDX-License-Identifier: Apache-2.0
//
// RMSProp, one kernel for all parameters of a run at once (core/ops/rmsprop.h). w, g, v and b are flat arenas of `count`
// floats.
//
// Thread i updates element i; neighbouring threads touch neighbouring addresses. 28 bytes move per parameter, 30 with
// a copy (narrow_copy.cuh), once. Every operation is rounded by itself, so that the bits are the reference's.
#include "core/ops/rmsprop.h"

#include "cuda/kernels/narrow_copy.cuh"
#include "cuda/kernels/step_arguments.cuh"
#include "cuda/runtime/launch.h"

namespace fovea::FOVEA_TARGET {

__global__ void __launch_bounds__(elementwise_threads)
    rmsprop_step_kernel(StepArguments<RmspropFactors<float>> step, std::int64_t count, float* __restrict__ w,
                        const float* __restrict__ g, float* __restrict__ v, float* __restrict__ b, NarrowCopy copy) {
  const std::int64_t i = global_thread();
  if (i >= count) return;
  if (step.is_halted()) return;
  const RmspropFactors<float> f = step.factors();
  const float gradient = __fadd_rn(g[i], __fmul_rn(f.weight_decay, w[i]));
  const float square = __fadd_rn(__fmul_rn(f.alpha, v[i]), __fmul_rn(f.rest, __fmul_rn(gradient, gradient)));
  const float size = __fadd_rn(__fsqrt_rn(square), f.epsilon);
  const float velocity = __fadd_rn(__fmul_rn(f.momentum, b[i]), __fdiv_rn(gradient, size));
  v[i] = square;
  b[i] = velocity;
  const float updated = __fsub_rn(w[i], __fmul_rn(f.learning_rate, velocity));
  w[i] = updated;
  write_copy(copy, i, updated);
}

void rmsprop_step(Stream& stream, const RmspropOptions& options, std::int64_t count, float* w, const float* g, float* v,
                  float* b, NarrowCopy copy) {
  launch(stream, "rmsprop_step", rmsprop_step_kernel, elementwise_blocks(count), dim3(elementwise_threads), 0,
         StepArguments<RmspropFactors<float>>(options), count, w, g, v, b, copy);
}

}  // namespace fovea::FOVEA_TARGET
