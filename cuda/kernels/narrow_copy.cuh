// SPDX-License-Identifier: Apache-2.0
//
// How an update writes the 16-bit copy of the weights beside them (core/ops/update_memory.h): 2 bytes more for a parameter,
// where a cast of its own would read 4, write 2 and be launched once for each layer. All threads take the same branch.
#pragma once
#include "cuda/kernels/elementwise.cuh"
#include "cuda/kernels/kernels_update.h"

namespace fovea::FOVEA_TARGET {

// Element i.
__device__ __forceinline__ void write_copy(const NarrowCopy& copy, std::int64_t i, float w) {
  if (copy.bf16 != nullptr) copy.bf16[i] = from_float<bf16_t>(w);
  if (copy.f16 != nullptr) copy.f16[i] = from_float<f16_t>(w);
}

template <class T>
__device__ __forceinline__ Quad<T> narrowed(const float4& w) {
  return {from_float<T>(w.x), from_float<T>(w.y), from_float<T>(w.z), from_float<T>(w.w)};
}

// The elements 4 * quad ... 4 * quad + 3, of a copy that takes quads.
__device__ __forceinline__ void write_copy_quad(const NarrowCopy& copy, std::int64_t quad, const float4& w) {
  if (copy.bf16 != nullptr) wide<Quad<bf16_t>>(copy.bf16)[quad] = narrowed<bf16_t>(w);
  if (copy.f16 != nullptr) wide<Quad<f16_t>>(copy.f16)[quad] = narrowed<f16_t>(w);
}

// Whether it lies so that four elements can be written at once, or is not there.
inline bool takes_quads(const NarrowCopy& copy) {
  const auto address = reinterpret_cast<std::uintptr_t>(copy.bf16) | reinterpret_cast<std::uintptr_t>(copy.f16);
  return address % sizeof(Quad<bf16_t>) == 0;
}

}  // namespace fovea::FOVEA_TARGET
