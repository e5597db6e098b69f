// SPDX-License-Identifier: Apache-2.0
//
// The CUDA dialect that kernels are written in: the same source is compiled by nvcc and, for the emulator, by the
// host compiler. A kernel includes this header and nothing of CUDA. Whatever is missing here fails to compile for the
// emulator, on purpose: add it there first (cuda/emu/device_functions.h).
//
//   FOVEA_SHARED(float, tile, [16][17]);       a shared array `tile`; FOVEA_SHARED(int, count, ) is a scalar
//   float* rows = dynamic_shared<float>();     the launch's dynamic shared memory, 16-byte aligned
//   shared_cell<float>                         an element type of shared arrays: plain float on the device; in the
//                                              emulator, reading one that nobody has written is an error
//   __launch_bounds__(256, no_spills)          where ptxas would else spill on some architecture
//   wide<float4>(x)[i]                         several elements in one access: x must be aligned to float4; the emulator
//                                              reports where it is not
//   to_float(x[i])   y[i] = from_float<T>(sum) what tensors store as T (float, bf16_t, f16_t), kernels compute in float
//
// Not in the dialect: bare __shared__, <<<>>>, __activemask, cooperative groups, __threadfence, a return before a
// barrier, and anything that relies on the lanes of a warp running together without __syncwarp.
#pragma once
#include "core/tensor/dtype.h"
#include "cuda/runtime/target.h"

#if FOVEA_EMU

#include "cuda/emu/device_functions.h"

#else

#include <cuda_runtime.h>

#define FOVEA_SHARED(T, name, extents) __shared__ T name extents

namespace fovea::FOVEA_TARGET {

template <class T>
__device__ __forceinline__ T* dynamic_shared() {
  // One name and one type for all kernels: nvcc rejects the same extern array under two types.
  extern __shared__ __align__(16) unsigned char fovea_dynamic_shared[];
  return reinterpret_cast<T*>(fovea_dynamic_shared);
}

template <class T>
using shared_cell = T;

template <class Wide, class T>
__device__ __forceinline__ Wide* wide(T* p) {
  return reinterpret_cast<Wide*>(p);
}

}  // namespace fovea::FOVEA_TARGET

#endif

namespace fovea::FOVEA_TARGET {

// Blocks that a multiprocessor must have room for at a time, for kernels of which ptxas would else spill a few bytes on some
// architecture to let one more block in. Not asked for where it does not: with it ptxas takes more registers than it needs.
#if defined(__CUDA_ARCH__) && (__CUDA_ARCH__ == 750 || __CUDA_ARCH__ == 900)
inline constexpr int no_spills = 0;  // as if it were not there
#else
inline constexpr int no_spills = 1;
#endif

// Exact one way, rounded once the other; on every target by the same code.
template <class T>
__device__ __forceinline__ float to_float(T stored) {
  return static_cast<float>(stored);
}
template <class T>
__device__ __forceinline__ T from_float(float value) {
  return static_cast<T>(value);
}

}  // namespace fovea::FOVEA_TARGET
