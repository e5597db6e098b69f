// SPDX-License-Identifier: Apache-2.0
//
// Adam and AdamW, one kernel for all parameters of a run at once (core/ops/adam.h). w, g, m and v are flat arenas of
// `count` floats.
//
// Thread i updates element i; neighbouring threads touch neighbouring addresses, so a warp's loads are whole 128-byte
// lines. 28 bytes move per parameter, 30 with a copy (narrow_copy.cuh), once, where the formula operation by operation
// would move hundreds; two divisions and a root hide behind them. Every operation is rounded by itself, so that the bits
// are the reference's.
#include "core/ops/adam.h"

#include "cuda/kernels/narrow_copy.cuh"
#include "cuda/kernels/step_arguments.cuh"
#include "cuda/runtime/launch.h"

namespace fovea::FOVEA_TARGET {

// The _rn functions are never contracted to a fused operation.
template <bool decoupled>
__global__ void __launch_bounds__(elementwise_threads)
    adam_step_kernel(StepArguments<AdamFactors<float>> step, std::int64_t count, float* __restrict__ w,
                     const float* __restrict__ g, float* __restrict__ m, float* __restrict__ v, NarrowCopy copy) {
  const std::int64_t i = global_thread();
  if (i >= count) return;
  if (step.is_halted()) return;
  const AdamFactors<float> f = step.factors();
  const float gradient = decoupled ? g[i] : __fadd_rn(g[i], __fmul_rn(f.added_decay, w[i]));
  const float mean = __fadd_rn(m[i], __fmul_rn(f.rest1, __fsub_rn(gradient, m[i])));
  const float square = __fadd_rn(__fmul_rn(f.beta2, v[i]), __fmul_rn(f.rest2, __fmul_rn(gradient, gradient)));
  const float size = __fadd_rn(__fdiv_rn(__fsqrt_rn(square), f.root2), f.epsilon);
  const float kept = decoupled ? __fmul_rn(f.keep, w[i]) : w[i];
  m[i] = mean;
  v[i] = square;
  const float updated = __fsub_rn(kept, __fmul_rn(f.rate, __fdiv_rn(mean, size)));
  w[i] = updated;
  write_copy(copy, i, updated);
}

void adam_step(Stream& stream, const AdamOptions& options, std::int64_t count, float* w, const float* g, float* m,
               float* v, NarrowCopy copy) {
  const auto kernel = options.decoupled ? adam_step_kernel<true> : adam_step_kernel<false>;
  launch(stream, "adam_step", kernel, elementwise_blocks(count), dim3(elementwise_threads), 0,
         StepArguments<AdamFactors<float>>(options), count, w, g, m, v, copy);
}

}  // namespace fovea::FOVEA_TARGET
