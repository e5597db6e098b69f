// SPDX-License-Identifier: Apache-2.0
//
// What a thread does to a result that it still holds in a register, on the way to memory: the ReLU of the layer behind
// (core/ops/relu.h). As an operation of its own it would read the result back and write it once more.
//
// `relu` is the same for the whole launch: one kernel serves both, no warp diverges, and what is stored with a ReLU has
// the bits that the two operations leave one after the other. Rounding after the ReLU instead of before it changes none
// of them: it moves no number across 0, and leaves 0 and NaN what they are.
#pragma once
#include "cuda/runtime/dialect.cuh"

namespace fovea::FOVEA_TARGET {

// `value <= 0` and not `value > 0`, as in relu.cu: a NaN fails every comparison and must pass through.
__device__ __forceinline__ float relu_if(bool relu, float value) { return relu && value <= 0.0f ? 0.0f : value; }

}  // namespace fovea::FOVEA_TARGET
