// SPDX-License-Identifier: Apache-2.0
//
// One thread per element: how such kernels number their threads and size their grids. A grid has up to 2^31 - 1 blocks
// along x, so 64-bit element numbers never run out of threads.
#pragma once
#include <cstdint>

#include "cuda/runtime/dialect.cuh"

namespace fovea::FOVEA_TARGET {

constexpr int elementwise_threads = 256;

inline dim3 elementwise_blocks(std::int64_t count) {
  return dim3(static_cast<unsigned>((count + elementwise_threads - 1) / elementwise_threads));
}

__device__ __forceinline__ std::int64_t global_thread() {
  return static_cast<std::int64_t>(blockIdx.x) * elementwise_threads + threadIdx.x;
}

// Four elements that are moved together.
template <class T>
struct alignas(4 * sizeof(T)) Quad {
  T first, second, third, fourth;
};

}  // namespace fovea::FOVEA_TARGET
