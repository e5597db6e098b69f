// SPDX-License-Identifier: Apache-2.0
//
// AdaGrad, one kernel for all parameters of a run at once (core/ops/adagrad.h). w, g and v are flat arenas of `count`
// floats.
//
// Thread i updates element i; neighbouring threads touch neighbouring addresses. 20 bytes move per parameter, 22 with
// a copy (narrow_copy.cuh), once. Every operation is rounded by itself, so that the bits are the reference's.
#include "core/ops/adagrad.h"

#include "cuda/kernels/narrow_copy.cuh"
#include "cuda/kernels/step_arguments.cuh"
#include "cuda/runtime/launch.h"

namespace fovea::FOVEA_TARGET {

__global__ void __launch_bounds__(elementwise_threads)
    adagrad_step_kernel(StepArguments<AdagradFactors<float>> step, std::int64_t count, float* __restrict__ w,
                        const float* __restrict__ g, float* __restrict__ v, NarrowCopy copy) {
  const std::int64_t i = global_thread();
  if (i >= count) return;
  if (step.is_halted()) return;
  const AdagradFactors<float> f = step.factors();
  const float gradient = __fadd_rn(g[i], __fmul_rn(f.weight_decay, w[i]));
  const float sum = __fadd_rn(v[i], __fmul_rn(gradient, gradient));
  const float size = __fadd_rn(__fsqrt_rn(sum), f.epsilon);
  v[i] = sum;
  const float updated = __fsub_rn(w[i], __fmul_rn(f.learning_rate, __fdiv_rn(gradient, size)));
  w[i] = updated;
  write_copy(copy, i, updated);
}

void adagrad_step(Stream& stream, const AdagradOptions& options, std::int64_t count, float* w, const float* g, float* v,
                  NarrowCopy copy) {
  launch(stream, "adagrad_step", adagrad_step_kernel, elementwise_blocks(count), dim3(elementwise_threads), 0,
         StepArguments<AdagradFactors<float>>(options), count, w, g, v, copy);
}

}  // namespace fovea::FOVEA_TARGET
