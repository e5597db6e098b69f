// SPDX-License-Identifier: Apache-2.0
//
// Distances between all rows of two matrices (core/ops/distance.h).
//
//   a [M, D], b [N, D], y [M, N]     l1: y = sum of |a - b|     l2: y = sqrt(sum of (a - b)^2)
//
// Shaped like a matrix product, with a difference in place of the product: block (x, y) computes the 64 x 64 tile of y
// at row 64*y and column 64*x from slices of both operands in shared memory, thread t the 4 x 4 of it that
// gemm_tile.cuh gives it. Each value read from global memory is used 64 times. The sum of squares is not taken apart
// into |a|^2 - 2 a b + |b|^2, which a product engine would like: near neighbours would cancel to nothing.
// Rows and depths that do not fill a tile are read as zeros: such depths add a difference of 0, such rows are not
// written.
#include "core/ops/distance.h"

#include "cuda/kernels/gemm_tile.cuh"
#include "cuda/kernels/kernels.h"
#include "cuda/runtime/launch.h"

namespace fovea::FOVEA_TARGET {

// Rows first_row ... of a matrix [rows, depth], depths first_depth ... of each.
__device__ __forceinline__ void load_rows(Slice& slice, const float* __restrict__ data, std::int64_t rows,
                                          std::int64_t depth, std::int64_t first_row, std::int64_t first_depth) {
  load_along_depth(slice, [&](int row_in_tile, int d_in_slice) {
    const std::int64_t row = first_row + row_in_tile, d = first_depth + d_in_slice;
    return row < rows && d < depth ? data[row * depth + d] : 0.0f;
  });
}

template <DistanceNorm norm>
__device__ __forceinline__ void add_differences(const Slice& a, const Slice& b, MicroTile& sums) {
  for (int d = 0; d < slice_depth; ++d) {
    const float4 a4 = a[d][micro_row() / 4], b4 = b[d][micro_column() / 4];
    const float rows[micro_edge] = {a4.x, a4.y, a4.z, a4.w};
    const float columns[micro_edge] = {b4.x, b4.y, b4.z, b4.w};
    for (int i = 0; i < micro_edge; ++i)
      for (int j = 0; j < micro_edge; ++j) {
        const float difference = rows[i] - columns[j];
        sums[i][j] += norm == DistanceNorm::l1 ? fabsf(difference) : difference * difference;
      }
  }
}

template <DistanceNorm norm>
__global__ void __launch_bounds__(tile_threads)
    distance_kernel(std::int64_t M, std::int64_t N, std::int64_t D, const float* __restrict__ a,
                    const float* __restrict__ b, float* __restrict__ y) {
  FOVEA_SHARED(float4, a_slice, [slice_depth][slice_quads]);
  FOVEA_SHARED(float4, b_slice, [slice_depth][slice_quads]);
  const std::int64_t first_row = static_cast<std::int64_t>(blockIdx.y) * tile_edge;
  const std::int64_t first_column = static_cast<std::int64_t>(blockIdx.x) * tile_edge;

  MicroTile sums = {};
  for (std::int64_t d = 0; d < D; d += slice_depth) {
    load_rows(a_slice, a, M, D, first_row, d);
    load_rows(b_slice, b, N, D, first_column, d);
    __syncthreads();
    add_differences<norm>(a_slice, b_slice, sums);
    __syncthreads();
  }

  store_micro_tile(sums, [&](int row_in_tile, int column_in_tile, float sum) {
    const std::int64_t row = first_row + row_in_tile, column = first_column + column_in_tile;
    if (row < M && column < N) y[row * N + column] = norm == DistanceNorm::l1 ? sum : sqrtf(sum);
  });
}

void distance_forward(Stream& stream, DistanceNorm norm, std::int64_t M, std::int64_t N, std::int64_t D, const float* a,
                      const float* b, float* y) {
  const auto kernel = norm == DistanceNorm::l1 ? distance_kernel<DistanceNorm::l1> : distance_kernel<DistanceNorm::l2>;
  launch(stream, "distance_forward", kernel, dim3(tiles(N), tiles(M)), dim3(tile_threads), 0, M, N, D, a, b, y);
}

}  // namespace fovea::FOVEA_TARGET
