// SPDX-License-Identifier: Apache-2.0
//
// Instructions that came with compute capability 8.0 (mma.cuh, ldmatrix.cuh, cp_async.cuh), and devices older than that.
//
// The library is compiled for sm_75 too. There every function of those headers is a trap, so that a kernel that calls
// one still compiles; and a kernel leaves itself out, so that its machine code for sm_75 is that trap and nothing else:
//
//   __global__ void gemm_mma_kernel(...) {
//     if constexpr (has_sm80) {
//       ...
//     } else {
//       needs_sm80();
//     }
//   }
//
// Nobody may come to the trap: whoever launches such a kernel asks compiled_for_sm80 (launch.h) first, and has another
// kernel for where the answer is no. emu has all of these instructions.
#pragma once
#include "cuda/runtime/dialect.cuh"

// The host's pass of nvcc, which has no __CUDA_ARCH__, throws the bodies of kernels away.
#if FOVEA_EMU || !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 800
#define FOVEA_SM80 1
#else
#define FOVEA_SM80 0
#endif

namespace fovea::FOVEA_TARGET {

inline constexpr bool has_sm80 = FOVEA_SM80 != 0;

#if !FOVEA_EMU
__device__ __forceinline__ void needs_sm80() { __trap(); }
#else
inline void needs_sm80() {}
#endif

}  // namespace fovea::FOVEA_TARGET
