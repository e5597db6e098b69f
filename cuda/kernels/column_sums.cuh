// SPDX-License-Identifier: Apache-2.0
//
// Sums over all positions of images in NHWC, one for each channel: the columns of a matrix [rows, C], rows = N * H * W.
//
// A block of 8 x 32 threads takes 8 vectors of V channels (channels.cuh), 128 bytes that lie side by side, and one slice
// of the rows: thread (vector, lane) adds up every 32nd row of the slice, and a tree in shared memory adds the 32 lanes.
// The slices' sums go to memory, [slices, C]; whoever needs a total adds them up in the same way. One block for a
// channel, as batch_norm.cu has it, would use 2 bytes of each 32 that it fetches, and 64 channels would occupy 64 blocks
// whatever the number of rows. How many slices follows from the matrix alone, so that results repeat bit for bit.
#pragma once
#include <algorithm>
#include <cstdint>

#include "cuda/kernels/channels.cuh"

namespace fovea::FOVEA_TARGET {

constexpr int column_vectors = 8, column_lanes = 32;
constexpr int column_threads = column_vectors * column_lanes;

// At least 256 rows for each slice, and about 256 blocks where the rows allow.
inline std::int64_t column_slices(std::int64_t rows, std::int64_t C) {
  const std::int64_t most = 256 / std::clamp<std::int64_t>((C + 63) / 64, 1, 256);
  return std::clamp<std::int64_t>(rows / 256, 1, most);
}

template <int V>
inline dim3 column_blocks(std::int64_t C, std::int64_t slices) {
  constexpr std::int64_t channels = column_vectors * V;
  return dim3(static_cast<unsigned>((C + channels - 1) / channels), static_cast<unsigned>(slices));
}

// The thread's first channel; C or more where it has none.
template <int V>
__device__ __forceinline__ int column_channel() {
  return (static_cast<int>(blockIdx.x) * column_vectors + static_cast<int>(threadIdx.x) % column_vectors) * V;
}
__device__ __forceinline__ int column_lane() { return static_cast<int>(threadIdx.x) / column_vectors; }

// The first row of a slice.
__device__ __forceinline__ int slice_begin(int rows, int slice, int slices) {
  return static_cast<int>(static_cast<std::int64_t>(rows) * slice / slices);
}

// Adds up the lanes' sums, for all of them. All threads of the block must call it; `scratch`, in shared memory, may be used
// again at once.
template <int V>
__device__ __forceinline__ void add_lanes(float (&sum)[V], float (&scratch)[V][column_threads]) {
  const int thread = static_cast<int>(threadIdx.x), lane = column_lane();
  for (int v = 0; v < V; ++v) scratch[v][thread] = sum[v];
  for (int half = column_lanes / 2; half > 0; half /= 2) {
    __syncthreads();
    if (lane < half) {
      for (int v = 0; v < V; ++v) {
        sum[v] += scratch[v][thread + half * column_vectors];
        scratch[v][thread] = sum[v];
      }
    }
  }
  __syncthreads();
  for (int v = 0; v < V; ++v) sum[v] = scratch[v][thread % column_vectors];
  __syncthreads();
}

// The totals of the thread's channels, from `slices` sums of each.
template <int V>
__device__ __forceinline__ void add_slices(int C, int slices, const float* __restrict__ sums, float (&total)[V],
                                           float (&scratch)[V][column_threads]) {
  const int channel = column_channel<V>();
  for (int v = 0; v < V; ++v) total[v] = 0.0f;
  if (channel < C) {
    for (int slice = column_lane(); slice < slices; slice += column_lanes) {
      const Channels<float, V> part = load_channels<V>(sums + slice * C + channel);
      for (int v = 0; v < V; ++v) total[v] += part.of[v];
    }
  }
  add_lanes(total, scratch);
}

// Leaves the thread's sums of this block's slice in sums [slices, C].
template <int V>
__device__ __forceinline__ void store_slice(int C, const float (&sum)[V], float* __restrict__ sums) {
  const int channel = column_channel<V>();
  if (channel >= C || column_lane() != 0) return;
  Channels<float, V> part;
  for (int v = 0; v < V; ++v) part.of[v] = sum[v];
  store_channels(sums + static_cast<int>(blockIdx.y) * C + channel, part);
}

// sums [slices, C] of x [rows, C]; gridDim.y = slices.
template <int V, class T>
__global__ void __launch_bounds__(column_threads)
    column_sums_kernel(int rows, int C, const T* __restrict__ x, float* __restrict__ sums) {
  FOVEA_SHARED(float, scratch, [V][column_threads]);
  const int slice = static_cast<int>(blockIdx.y), slices = static_cast<int>(gridDim.y);
  const int channel = column_channel<V>(), end = slice_begin(rows, slice + 1, slices);
  float sum[V] = {};
  if (channel < C) {
#pragma unroll 4
    for (int row = slice_begin(rows, slice, slices) + column_lane(); row < end; row += column_lanes) {
      const Channels<T, V> here = load_channels<V>(x + static_cast<std::int64_t>(row) * C + channel);
      for (int v = 0; v < V; ++v) sum[v] += to_float(here.of[v]);
    }
  }
  add_lanes(sum, scratch);
  store_slice(C, sum, sums);
}

}  // namespace fovea::FOVEA_TARGET
