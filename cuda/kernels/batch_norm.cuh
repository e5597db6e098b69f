// SPDX-License-Identifier: Apache-2.0
//
// The formula that the kernels of batch normalisation share, in either layout.
#pragma once
#include "cuda/runtime/dialect.cuh"

namespace fovea::FOVEA_TARGET {

__device__ __forceinline__ float inverse_of(float variance, float epsilon) { return 1.0f / sqrtf(variance + epsilon); }

}  // namespace fovea::FOVEA_TARGET
