// SPDX-License-Identifier: Apache-2.0
//
// Sums and maxima over the threads of a warp or a block, always in the same order, so results repeat bit for bit.
#pragma once
#include "cuda/runtime/dialect.cuh"

namespace fovea::FOVEA_TARGET {

constexpr int warp_threads = 32;
constexpr unsigned whole_warp = 0xffffffffu;

// Butterfly: after exchanging with the lanes 16, 8, 4, 2 and 1 away every lane holds the result, with no shared memory.
// All 32 lanes must call these.
__device__ __forceinline__ float warp_sum(float value) {
  for (int distance = warp_threads / 2; distance > 0; distance /= 2)
    value += __shfl_xor_sync(whole_warp, value, distance);
  return value;
}

// Passes over NaN: whoever takes a maximum lets NaN through by another way, as softmax does by its sum.
__device__ __forceinline__ float warp_max(float value) {
  for (int distance = warp_threads / 2; distance > 0; distance /= 2)
    value = fmaxf(value, __shfl_xor_sync(whole_warp, value, distance));
  return value;
}

// Tree over a block of `threads` (a power of two): the upper half adds itself to the lower half until one is left.
// All threads must call it; the result is valid in thread 0. `scratch` is shared memory.
template <class T, int threads>
__device__ __forceinline__ T block_sum(T value, T (&scratch)[threads]) {
  const int thread = static_cast<int>(threadIdx.x);
  scratch[thread] = value;
  for (int half = threads / 2; half > 0; half /= 2) {
    __syncthreads();
    if (thread < half) {
      value += scratch[thread + half];
      scratch[thread] = value;
    }
  }
  return value;
}

// The same with the result in all threads. `scratch` may be used again at once.
template <int threads>
__device__ __forceinline__ float block_sum_for_all(float value, float (&scratch)[threads]) {
  block_sum(value, scratch);
  __syncthreads();
  const float total = scratch[0];
  __syncthreads();
  return total;
}

}  // namespace fovea::FOVEA_TARGET
