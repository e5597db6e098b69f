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
// Where x has few rows, of whole chunks of 16 bytes, the tile lies in one piece in y: each thread reads one chunk and
// writes one, whose elements it collects from shared memory.
#include <type_traits>

#include "cuda/kernels/channels.cuh"
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

// A tile has all rows, and as many columns as give each thread a chunk at most.
template <class Bits>
__global__ void __launch_bounds__(transpose_threads)
    convert_layout_few_rows_kernel(Divisor rows, int columns, Divisor tile_chunks, Divisor across,
                                   const Bits* __restrict__ x, Bits* __restrict__ y) {
  constexpr int elements = wide_channels<Bits>;  // of a chunk
  Bits* tile = dynamic_shared<Bits>();
  const int block = static_cast<int>(blockIdx.x), thread = static_cast<int>(threadIdx.x);
  const int column0 = block % across * tile_chunks * elements, tile_columns = tile_chunks * elements;
  const std::int64_t matrix = static_cast<std::int64_t>(block / across) * rows * columns;

  const int row = thread / tile_chunks, column = column0 + thread % tile_chunks * elements;
  if (row < rows && column < columns)
    store_channels(tile + thread * elements,
                   load_channels<elements>(x + matrix + static_cast<std::int64_t>(row) * columns + column));
  __syncthreads();
  const int first = thread * elements, left = columns - column0;
  if (first >= rows * (left < tile_columns ? left : tile_columns)) return;
  int c = first / rows, r = first % rows;
  Channels<Bits, elements> chunk;
#pragma unroll
  for (int e = 0; e < elements; ++e) {
    chunk.of[e] = tile[r * tile_columns + c];
    if (++r == rows) r = 0, ++c;
  }
  store_channels(y + matrix + static_cast<std::int64_t>(column0) * rows + first, chunk);
}

template <class Bits>
static bool convert_few_rows(Stream& stream, std::int64_t N, std::int64_t rows, std::int64_t columns, const Bits* x,
                             Bits* y) {
  if (rows >= transpose_side || !channels_are_wide<Bits>(columns, {x, y})) return false;
  const std::int64_t chunks = transpose_threads / rows;
  const Divisor across((columns / wide_channels<Bits> + chunks - 1) / chunks);
  launch(stream, "convert_layout", convert_layout_few_rows_kernel<Bits>, dim3(static_cast<unsigned>(N * across.value)),
         dim3(transpose_threads), 16 * transpose_threads, Divisor(rows), static_cast<int>(columns), Divisor(chunks),
         across, x, y);
  return true;
}

template <class T>
void convert_layout(Stream& stream, std::int64_t N, std::int64_t rows, std::int64_t columns, const T* x, T* y) {
  using Bits = std::conditional_t<sizeof(T) == 2, std::uint16_t, float>;
  const Bits* from = reinterpret_cast<const Bits*>(x);
  Bits* to = reinterpret_cast<Bits*>(y);
  if (convert_few_rows(stream, N, rows, columns, from, to)) return;
  const TransposeTiles tiles = transpose_tiles(rows, columns);
  const std::int64_t blocks = N * tiles.down.value * tiles.across.value;
  launch(stream, "convert_layout", convert_layout_kernel<Bits>, dim3(static_cast<unsigned>(blocks)),
         dim3(transpose_threads), 0, tiles, from, to);
}

FOVEA_INSTANTIATE_STORAGE(convert_layout);

}  // namespace fovea::FOVEA_TARGET
