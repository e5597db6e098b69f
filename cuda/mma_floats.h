// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "cuda/runtime/target.h"

namespace fovea::FOVEA_TARGET {

// What tensor cores multiply where tensors are float32: rounded to tf32, or in three products of it, which are within
// float32's bounds (kernels/mma_split.cuh). 16 bits they take as they are.
enum class MmaFloats { tf32, fp32x3 };

}  // namespace fovea::FOVEA_TARGET
