// SPDX-License-Identifier: Apache-2.0
//
// One warp per row of a matrix [rows, columns]: how the softmax kernels number their threads. Lane l of the row's warp
// takes columns l, l + 32, ...; whatever a row needs from all its columns is exchanged by shuffles (reduce.cuh), which
// is faster than shared memory and needs no barrier. A block holds the warps of four rows.
#pragma once
#include <cstdint>

#include "cuda/kernels/reduce.cuh"

namespace fovea::FOVEA_TARGET {

constexpr int rows_per_block = 4;
constexpr int row_threads = rows_per_block * warp_threads;

inline dim3 row_blocks(std::int64_t rows) {
  return dim3(static_cast<unsigned>((rows + rows_per_block - 1) / rows_per_block));
}

__device__ __forceinline__ std::int64_t row_of_warp() {
  return static_cast<std::int64_t>(blockIdx.x) * rows_per_block + threadIdx.x / warp_threads;
}

__device__ __forceinline__ int lane_of_warp() { return static_cast<int>(threadIdx.x) % warp_threads; }

}  // namespace fovea::FOVEA_TARGET
