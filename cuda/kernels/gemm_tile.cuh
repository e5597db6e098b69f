// SPDX-License-Identifier: Apache-2.0
//
// The heart of every tiled matrix product here: linear layers, and convolutions written as matrix products.
//
//   out[row, column] = sum over d of a[d, row] * b[d, column]
//
// A block of 256 threads owns a 64 x 64 tile of `out` and walks the sum in slices of 16 depths:
//   1. all threads copy the slice of both operands into shared memory (load_along_*; out of range counts as 0);
//   2. a barrier; then thread t adds the slice's products to its own 4 x 4 sums in registers (multiply_slices): rows
//      4*(t/16)..., columns 4*(t%16)...; then a barrier before the slices are overwritten.
// Why it is fast: each value read from global memory is used 64 times, and each pair of float4 read from shared memory
// feeds 16 multiply-adds, so arithmetic and not memory is the limit.
#pragma once
#include <cstdint>

#include "cuda/runtime/dialect.cuh"

namespace fovea::FOVEA_TARGET {

constexpr int tile_edge = 64;    // rows and columns of the tile
constexpr int slice_depth = 16;  // depths in shared memory at a time
constexpr int micro_edge = 4;    // rows and columns that one thread owns
constexpr int tile_threads = (tile_edge / micro_edge) * (tile_edge / micro_edge);
constexpr int loads_per_thread = slice_depth * tile_edge / tile_threads;
// A slice is stored as float4, so that it is 16-byte aligned: FOVEA_SHARED(float4, a, [slice_depth][slice_quads]). The
// extra float4 per depth shifts the banks: the stores of load_along_depth, which walk across depths, meet in one bank
// two at a time instead of sixteen at a time.
constexpr int slice_quads = tile_edge / 4 + 1;

using Slice = float4[slice_depth][slice_quads];
using MicroTile = float[micro_edge][micro_edge];

__device__ __forceinline__ float& slice_element(Slice& slice, int edge, int d) {
  return reinterpret_cast<float*>(slice[d])[edge];
}

// Fill a slice from element(edge, d), edge in [0, 64), d in [0, 16). Neighbouring threads ask for neighbouring edges or
// neighbouring depths: choose the one that is contiguous in global memory, so that a warp's loads coalesce.
template <class Element>
__device__ __forceinline__ void load_along_edge(Slice& slice, Element element) {
  const int thread = static_cast<int>(threadIdx.x), edge = thread % tile_edge;
  for (int i = 0; i < loads_per_thread; ++i) {
    const int d = thread / tile_edge + i * (tile_threads / tile_edge);
    slice_element(slice, edge, d) = element(edge, d);
  }
}

template <class Element>
__device__ __forceinline__ void load_along_depth(Slice& slice, Element element) {
  const int thread = static_cast<int>(threadIdx.x), d = thread % slice_depth;
  for (int i = 0; i < loads_per_thread; ++i) {
    const int edge = thread / slice_depth + i * (tile_threads / slice_depth);
    slice_element(slice, edge, d) = element(edge, d);
  }
}

__device__ __forceinline__ int micro_row() {
  return static_cast<int>(threadIdx.x) / (tile_edge / micro_edge) * micro_edge;
}
__device__ __forceinline__ int micro_column() {
  return static_cast<int>(threadIdx.x) % (tile_edge / micro_edge) * micro_edge;
}

// Adds the products of one slice to this thread's sums.
__device__ __forceinline__ void multiply_slices(const Slice& a, const Slice& b, MicroTile& sums) {
  for (int d = 0; d < slice_depth; ++d) {
    const float4 a4 = a[d][micro_row() / 4], b4 = b[d][micro_column() / 4];
    const float rows[micro_edge] = {a4.x, a4.y, a4.z, a4.w};
    const float columns[micro_edge] = {b4.x, b4.y, b4.z, b4.w};
    for (int i = 0; i < micro_edge; ++i)
      for (int j = 0; j < micro_edge; ++j) sums[i][j] += rows[i] * columns[j];
  }
}

// Calls store(row, column, sum) for each of this thread's results; row and column count from the tile's corner.
// Unrolled by order: nvcc left the loops alone where `store` is long (f16 with a gate), and the sums, then indexed at
// run time, lay in local memory.
template <class Store>
__device__ __forceinline__ void store_micro_tile(const MicroTile& sums, Store store) {
#pragma unroll
  for (int j = 0; j < micro_edge; ++j)
#pragma unroll
    for (int i = 0; i < micro_edge; ++i) store(micro_row() + i, micro_column() + j, sums[i][j]);
}

inline unsigned tiles(std::int64_t extent) { return static_cast<unsigned>((extent + tile_edge - 1) / tile_edge); }

}  // namespace fovea::FOVEA_TARGET
