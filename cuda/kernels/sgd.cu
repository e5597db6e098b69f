// SPDX-License-Identifier: Apache-2.0
//
// SGD with momentum, one kernel for all parameters of a net at once (core/ops/sgd.h). w, g and v are flat arenas of
// `count` floats, and so is, in 16 bits, the copy of w where one is wanted (narrow_copy.cuh).
//
// The first `quads` threads update four elements each with 16-byte loads and stores; the remaining threads update one
// element each: the tail, or everything when an arena is not 16-byte aligned, or the copy 8-byte.
// Why it is fast: 20 bytes move per parameter, 22 with a copy, once, instead of once per operation of the formula and per
// tensor of the net. The arithmetic is the contract's, each operation rounded by itself: a fused multiply-add would round
// once where the reference rounds twice, and training on two devices could no longer be compared bit for bit.
#include "cuda/kernels/narrow_copy.cuh"
#include "cuda/kernels/step_arguments.cuh"
#include "cuda/runtime/launch.h"

namespace fovea::FOVEA_TARGET {

// __fmul_rn, __fadd_rn and __fsub_rn are never contracted to a fused operation.
__device__ __forceinline__ void sgd_update(const SgdFactors& f, bool nesterov, float& w, float g, float& v) {
  const float decayed = __fadd_rn(g, __fmul_rn(f.weight_decay, w));
  v = __fadd_rn(__fmul_rn(f.momentum, v), decayed);
  const float step = nesterov ? __fadd_rn(decayed, __fmul_rn(f.momentum, v)) : v;
  w = __fsub_rn(w, __fmul_rn(f.learning_rate, step));
}

__global__ void __launch_bounds__(elementwise_threads)
    sgd_step_kernel(StepArguments<SgdFactors> step, bool nesterov, std::int64_t count, std::int64_t quads,
                    float* __restrict__ w, const float* __restrict__ g, float* __restrict__ v, NarrowCopy copy) {
  const std::int64_t thread = global_thread();
  if (step.is_halted()) return;
  const SgdFactors f = step.factors();
  if (thread < quads) {
    float4 w4 = wide<float4>(w)[thread];
    float4 v4 = wide<float4>(v)[thread];
    const float4 g4 = wide<const float4>(g)[thread];
    sgd_update(f, nesterov, w4.x, g4.x, v4.x);
    sgd_update(f, nesterov, w4.y, g4.y, v4.y);
    sgd_update(f, nesterov, w4.z, g4.z, v4.z);
    sgd_update(f, nesterov, w4.w, g4.w, v4.w);
    wide<float4>(w)[thread] = w4;
    wide<float4>(v)[thread] = v4;
    write_copy_quad(copy, thread, w4);
    return;
  }
  const std::int64_t i = 4 * quads + (thread - quads);
  if (i >= count) return;
  sgd_update(f, nesterov, w[i], g[i], v[i]);
  write_copy(copy, i, w[i]);
}

void sgd_step(Stream& stream, const SgdOptions& options, std::int64_t count, float* w, const float* g, float* v,
              NarrowCopy copy) {
  const auto address = [](const void* p) { return reinterpret_cast<std::uintptr_t>(p); };
  const bool aligned = (address(w) | address(g) | address(v)) % sizeof(float4) == 0 && takes_quads(copy);
  const std::int64_t quads = aligned ? count / 4 : 0;
  const std::int64_t threads = quads + (count - 4 * quads);
  launch(stream, "sgd_step", sgd_step_kernel, elementwise_blocks(threads), dim3(elementwise_threads), 0,
         StepArguments<SgdFactors>(options), options.nesterov, count, quads, w, g, v, copy);
}

}  // namespace fovea::FOVEA_TARGET
