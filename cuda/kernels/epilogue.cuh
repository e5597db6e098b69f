// SPDX-License-Identifier: Apache-2.0
//
// What a thread does to a result that it still holds in a register, on the way to memory: the ReLU of the layer behind,
// and to a gradient the backward of the ReLU before (core/ops/relu.h). As an operation of its own it would read the
// result back and write it once more.
//
// `relu` is the same for the whole launch: one kernel serves both forms of an operation, so that the sum in front of the
// ReLU is the same machine code, and what is stored has the bits that the two operations leave one after the other.
// Rounding after the ReLU instead of before it changes none of them: it moves no number across 0, and leaves 0 and NaN
// what they are.
#pragma once
#include <cmath>
#include <cstdint>

#include "cuda/runtime/dialect.cuh"

namespace fovea::FOVEA_TARGET {

// A number that is not above the least becomes the least, 0 or minus infinity; a NaN fails the comparison and passes, as
// in relu.cu. Without a branch: one around the ReLU made nvcc take 64 registers for 47 (gemm_tiled.cu in f16, sm_90).
__device__ __forceinline__ float relu_if(bool relu, float value) {
  const float least = relu ? 0.0f : -INFINITY;
  return value <= least ? least : value;
}

// Element i of a gradient, rounded, behind a ReLU that left `gate`; null where there is none. A choice as in relu.cu and
// not a product: a closed gate holds back infinity and NaN, an open one, or one that is NaN, changes nothing.
template <class T>
__device__ __forceinline__ T gated(const T* gate, std::int64_t i, T gradient) {
  return gate != nullptr && to_float(gate[i]) <= 0.0f ? T() : gradient;
}

}  // namespace fovea::FOVEA_TARGET
