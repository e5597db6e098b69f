// SPDX-License-Identifier: Apache-2.0
//
// Images from NCHW to NHWC and back (core/ops/layout.h): a transpose of N matrices.
//
//   x [N, rows, columns] -> y [N, columns, rows]     rows x columns = C x H*W, or H*W x C on the way back
//
// A block moves one tile through shared memory: its threads read the tile along x's rows and write it along y's, so that
// neighbouring threads touch neighbouring addresses on both sides, where a plain copy would jump on one of them. Rows of
// the tile in shared memory have an odd length: the threads that walk down a column then fall on different banks.
// A tile is 32 x 32. Where one side of the matrix is shorter (an image of three channels) the tile is all of it, and as
// much longer the other way, so that no thread is left over.
#include <type_traits>

#include "cuda/kernels/divisor.cuh"
#include "cuda/kernels/kernels_nhwc.h"
#include "cuda/runtime/launch.h"

namespace fovea::FOVEA_TARGET {

constexpr int transpose_threads = 256;
constexpr int transpose_side = 32;
constexpr int transpose_cells = transpose_side * (transpose_side + 1);  // of shared memory

struct TransposeTiles {
  int rows, columns;                // of a matrix
  Divisor tile_rows, tile_columns;  // at most transpose_cells with the pitch
  int pitch;                        // of a tile's row in shared memory
  Divisor down, across;             // tiles of a matrix

  TransposeTiles(std::int64_t rows_, std::int64_t columns_, std::int64_t tile_rows_, std::int64_t tile_columns_)
      : rows(static_cast<int>(rows_)),
        columns(static_cast<int>(columns_)),
        tile_rows(tile_rows_),
        tile_columns(tile_columns_),
        pitch(static_cast<int>(tile_columns_ | 1)),
        down((rows_ + tile_rows_ - 1) / tile_rows_),
        across((columns_ + tile_columns_ - 1) / tile_columns_) {}
};

TransposeTiles transpose_tiles(std::int64_t rows, std::int64_t columns) {
  constexpr std::int64_t side = transpose_side;
  if (rows < side) return {rows, columns, rows, side * (side / rows)};
  if (columns < side) return {rows, columns, side * ((side + 1) / (columns | 1)), columns};
  return {rows, columns, side, side};
}

// What is stored is not looked at: 4 bytes or 2 are moved.
template <class Bits>
__global__ void __launch_bounds__(transpose_threads)
    convert_layout_kernel(TransposeTiles t, const Bits* __restrict__ x, Bits* __restrict__ y) {
  FOVEA_SHARED(Bits, tile, [transpose_cells]);
  const int block = static_cast<int>(blockIdx.x);
  const int row0 = block / t.across % t.down * t.tile_rows, column0 = block % t.across * t.tile_columns;
  const std::int64_t matrix = static_cast<std::int64_t>(block / t.across / t.down) * t.rows * t.columns;
  const int cells = t.tile_rows * t.tile_columns;

  for (int cell = static_cast<int>(threadIdx.x); cell < cells; cell += transpose_threads) {
    const int r = cell / t.tile_columns, c = cell % t.tile_columns;
    if (row0 + r < t.rows && column0 + c < t.columns)
      tile[r * t.pitch + c] = x[matrix + static_cast<std::int64_t>(row0 + r) * t.columns + column0 + c];
  }
  __syncthreads();
  for (int cell = static_cast<int>(threadIdx.x); cell < cells; cell += transpose_threads) {
    const int r = cell % t.tile_rows, c = cell / t.tile_rows;
    if (row0 + r < t.rows && column0 + c < t.columns)
      y[matrix + static_cast<std::int64_t>(column0 + c) * t.rows + row0 + r] = tile[r * t.pitch + c];
  }
}

template <class T>
void convert_layout(Stream& stream, std::int64_t N, std::int64_t rows, std::int64_t columns, const T* x, T* y) {
  const TransposeTiles tiles = transpose_tiles(rows, columns);
  const std::int64_t blocks = N * tiles.down.value * tiles.across.value;
  using Bits = std::conditional_t<sizeof(T) == 2, std::uint16_t, float>;
  launch(stream, "convert_layout", convert_layout_kernel<Bits>, dim3(static_cast<unsigned>(blocks)),
         dim3(transpose_threads), 0, tiles, reinterpret_cast<const Bits*>(x), reinterpret_cast<Bits*>(y));
}

FOVEA_INSTANTIATE_STORAGE(convert_layout);

}  // namespace fovea::FOVEA_TARGET
