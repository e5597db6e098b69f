// SPDX-License-Identifier: Apache-2.0
//
// The formula that the kernels of batch normalisation share, in either layout.
#pragma once
#include "cuda/runtime/dialect.cuh"

namespace fovea::FOVEA_TARGET {

__device__ __forceinline__ float inverse_of(float variance, float epsilon) { return 1.0f / sqrtf(variance + epsilon); }

// Running statistics: what remains of the old and the `share` of the new, which is the momentum, of variances times what makes
// them unbiased. fmaf by name: of two products the compiler fuses now one, now the other, and kernels would differ in bits.
__device__ __forceinline__ float running_value(float running, float momentum, float now, float share) {
  return fmaf(share, now, (1.0f - momentum) * running);
}

}  // namespace fovea::FOVEA_TARGET
