// SPDX-License-Identifier: Apache-2.0
//
// The heart of every matrix product on tensor cores here (sm_80 and up): a block owns a tile of
//
//   out[row, column] = sum over d of a[row, d] * b[column, d]
//
// and walks the depth in slices (mma_slice.cuh). Four stages of shared memory hold four slices, in a ring:
//   1. three are on their way, by cp.async, while the fourth is multiplied;
//   2. wait for the oldest, and one barrier: everyone's copies of it have arrived, and everyone is done with the slice
//      before it, whose stage the next copies go to;
//   3. each warp multiplies its part of the tile: per step it loads its rows and columns once into registers and uses a
//      row fragment for all of its column tiles and the reverse. The inputs of a step are loaded while those of the step
//      before are multiplied, across the barrier too: with two warps on a scheduler nothing else would hide that time.
//      (Not of floats along the edge, which lanes read one by one.)
//
// Tile arithmetic, 16 bits, a slice of 32 depths. "Flop per byte" counts what comes from global memory or L2, "per byte
// of shared memory" what warps read from there:
//
//   tile        warps      flop per byte   per byte of shared memory   shared memory   sums per thread
//   128 x 128   2x2 of 64x64        64            32                      64 KiB            128
//   128 x 64    2x2 of 64x32        43            21                      48 KiB             64
//    64 x 64    2x2 of 32x32        32            16                      32 KiB             32
//
// An A100 does 1024 multiply-adds (2048 flop) per cycle and multiprocessor and reads 128 bytes of shared memory, 16 flop
// per byte: the largest tile keeps half of those reads free for what cp.async writes. The smaller ones are for results
// that would fill too few multiprocessors otherwise. Which one: choose_mma_tile. The order of each sum is by rising depth,
// the same for all tiles, so the choice changes no bit.
//
// Float32 in three products (mma_split.cuh) has one tile, 64 x 64: two sums for each result and both parts of each operand
// make 96 registers in a warp of 32 x 32, and would make 176 in one of 64 x 32, beside what is loaded ahead. It needs no larger one, as each byte is used
// three times: 48 flop per byte, and 24 per byte of shared memory, of which tf32, at half the rate of 16 bits, needs 8.
#pragma once
#include <cstdint>

#include "cuda/kernels/epilogue.cuh"
#include "cuda/kernels/mma_slice.cuh"
#include "cuda/kernels/mma_split.cuh"
#include "cuda/runtime/cp_async.cuh"

namespace fovea::FOVEA_TARGET {

constexpr int mma_stages = 4;

// rows x columns results by warps of warp_rows x warp_columns; where it `splits`, of float32 in three products.
template <int tile_rows, int tile_columns, int warp_rows, int warp_columns, bool is_split = false>
struct MmaTile {
  static_assert(warp_rows % 16 == 0 && warp_columns % 32 == 0);
  static constexpr bool splits = is_split;
  static constexpr int rows = tile_rows, columns = tile_columns;
  static constexpr int row_tiles = warp_rows / 16, column_tiles = warp_columns / 8;  // of mma, in a warp
  static constexpr int warps_across = columns / warp_columns;
  static constexpr int threads = 32 * (rows / warp_rows) * warps_across;
  // A stage: the slice of a, then that of b.
  static constexpr int a_chunks = rows * slice_chunks, b_chunks = columns * slice_chunks;
  static constexpr int shared_bytes = mma_stages * (a_chunks + b_chunks) * 16;
  static_assert(shared_bytes <= 64 * 1024, "what every device and emu offers");

  // Of the calling warp's part.
  __device__ __forceinline__ static int first_row() { return warp_id() / warps_across * warp_rows; }
  __device__ __forceinline__ static int first_column() { return warp_id() % warps_across * warp_columns; }
};
using LargeMmaTile = MmaTile<128, 128, 64, 64>;
using NarrowMmaTile = MmaTile<128, 64, 64, 32>;
using SmallMmaTile = MmaTile<64, 64, 32, 32>;
using SplitMmaTile = MmaTile<64, 64, 32, 32, true>;

// For __launch_bounds__: of floats in small tiles ptxas would else spill to let more blocks in.
template <class T, class Tile>
constexpr int mma_least_blocks = Tile::rows == 64 && std::is_same_v<T, float> ? no_spills : 0;

// A thread's sums. value() is one of them, of tile (i, j).
template <class Tile, bool splits = Tile::splits>
struct MmaSums {
  FragmentSums tiles[Tile::row_tiles][Tile::column_tiles];

  __device__ __forceinline__ float value(int i, int j, int v) const { return tiles[i][j].values[v]; }
};
template <class Tile>
struct MmaSums<Tile, true> {
  FragmentSums tiles[Tile::row_tiles][Tile::column_tiles], small[Tile::row_tiles][Tile::column_tiles];

  __device__ __forceinline__ float value(int i, int j, int v) const {
    return with_small_sum(tiles[i][j].values[v], small[i][j].values[v]);
  }
};

// A thread's inputs of one step.
template <class T, class Tile>
struct MmaInputs {
  FragmentA<MmaInput<T>> rows[Tile::row_tiles];
  FragmentB<MmaInput<T>> columns[Tile::column_tiles];
};

enum class Lies { along_depth, along_edge };

// Takes a thread's inputs from a slice. Columns are dealt where b lies along the depth, else in their order.
template <class T, class Tile, Lies a_lies, Lies b_lies>
class SliceReader {
 public:
  __device__ __forceinline__ SliceReader() {
    if constexpr (a_lies == Lies::along_depth) a_ = a_place_along_depth(Tile::first_row());
    if constexpr (a_lies == Lies::along_edge && !one_by_one) a_ = a_place_along_edge<row_chunks>(Tile::first_row());
    if constexpr (b_lies == Lies::along_depth) b_ = b_place_along_depth(Tile::first_column());
    if constexpr (b_lies == Lies::along_edge && !one_by_one)
      b_ = b_place_along_edge<column_chunks>(Tile::first_column());
  }

  __device__ __forceinline__ void load(const uint4* slice, int step, MmaInputs<T, Tile>& inputs) const {
    const uint4 *a = slice, *b = slice + Tile::a_chunks;
#pragma unroll
    for (int i = 0; i < Tile::row_tiles; ++i) {
      if constexpr (a_lies == Lies::along_depth) {
        load_a_along_depth<T>(inputs.rows[i], a, a_, i, step);
      } else {
        load_a_along_edge<T, row_chunks>(inputs.rows[i], a, a_, Tile::first_row(), i, step);
      }
    }
#pragma unroll
    for (int j = 0; j < Tile::column_tiles; j += 2) {
      FragmentB<MmaInput<T>>&even = inputs.columns[j], &odd = inputs.columns[j + 1];
      if constexpr (b_lies == Lies::along_depth) {
        load_b_along_depth<T>(even, odd, b, b_, j, step);
      } else {
        load_b_along_edge<T, column_chunks>(even, odd, b, b_, Tile::first_column(), j, step);
      }
    }
  }

 private:
  static constexpr int row_chunks = Tile::rows / chunk_elements<T>, column_chunks = Tile::columns / chunk_elements<T>;
  static constexpr bool one_by_one = std::is_same_v<T, float>;  // where it lies along the edge
  int a_ = 0, b_ = 0;                                           // the lane's first chunk in each
};

// Adds the products of one step, of float32. Leaves the inputs rounded.
template <class Tile>
__device__ __forceinline__ void multiply_split(FragmentA<tf32_t> (&rows)[Tile::row_tiles],
                                               FragmentB<tf32_t> (&columns)[Tile::column_tiles], MmaSums<Tile>& sums) {
  FragmentA<tf32_t> small_rows[Tile::row_tiles];
  FragmentB<tf32_t> small_columns[Tile::column_tiles];
#pragma unroll
  for (int i = 0; i < Tile::row_tiles; ++i) split_inputs(rows[i].registers, small_rows[i].registers);
#pragma unroll
  for (int j = 0; j < Tile::column_tiles; ++j) split_inputs(columns[j].registers, small_columns[j].registers);
#pragma unroll
  for (int i = 0; i < Tile::row_tiles; ++i) {
#pragma unroll
    for (int j = 0; j < Tile::column_tiles; ++j) {
      add_split_products(sums.tiles[i][j], sums.small[i][j], rows[i], small_rows[i], columns[j], small_columns[j]);
    }
  }
}

// Adds the products of one step. Leaves the inputs rounded.
template <class T, class Tile>
__device__ __forceinline__ void multiply_step(MmaInputs<T, Tile>& inputs, MmaSums<Tile>& sums) {
  if constexpr (Tile::splits) {
    multiply_split(inputs.rows, inputs.columns, sums);
  } else {
#pragma unroll
    for (int i = 0; i < Tile::row_tiles; ++i) round_inputs<T>(inputs.rows[i].registers);
#pragma unroll
    for (int j = 0; j < Tile::column_tiles; ++j) round_inputs<T>(inputs.columns[j].registers);
#pragma unroll
    for (int i = 0; i < Tile::row_tiles; ++i) {
#pragma unroll
      for (int j = 0; j < Tile::column_tiles; ++j) mma(sums.tiles[i][j], inputs.rows[i], inputs.columns[j]);
    }
  }
}

// Adds the products of `slices` slices. fetch(slice, a, b) starts this thread's copies of a slice, which for one beyond the
// last are zeros: so the loop has no branch, and the compiler is free to mix its instructions with those that multiply. Where
// fetch stores by itself (not `by_chunks`) it is not called for those.
template <class T, class Tile, Lies a_lies, Lies b_lies, bool by_chunks, class Fetch>
__device__ __forceinline__ void multiply_slices(int slices, Fetch fetch, MmaSums<Tile>& sums) {
  static_assert(slice_steps == 2);
  // Not of floats that are read one by one: it would take more registers than there are.
  constexpr bool ahead = !std::is_same_v<T, float> || (a_lies == Lies::along_depth && b_lies == Lies::along_depth);
  uint4* stages = dynamic_shared<uint4>();
  const auto stage = [&](int slice) { return stages + slice % mma_stages * (Tile::a_chunks + Tile::b_chunks); };
  const auto start = [&](int slice) {
    if (by_chunks || slice < slices) fetch(slice, stage(slice), stage(slice) + Tile::a_chunks);
    cp_async_commit();  // also an empty group, so that the wait below may count them
  };
  const SliceReader<T, Tile, a_lies, b_lies> reader;
  MmaInputs<T, Tile> even;
  const auto load_even = [&](int slice) {
    if (by_chunks || slice < slices) reader.load(stage(slice), 0, even);
  };
  for (int slice = 0; slice < mma_stages - 1; ++slice) start(slice);
  cp_async_wait<mma_stages - 2>();
  __syncthreads();
  if constexpr (ahead) {
    MmaInputs<T, Tile> odd;
    load_even(0);
    for (int slice = 0; slice < slices; ++slice) {
      reader.load(stage(slice), 1, odd);
      start(slice + mma_stages - 1);
      multiply_step(even, sums);
      cp_async_wait<mma_stages - 2>();
      __syncthreads();
      load_even(slice + 1);
      multiply_step(odd, sums);
    }
  } else {
    for (int slice = 0; slice < slices; ++slice) {
      start(slice + mma_stages - 1);
      load_even(slice);
      multiply_step(even, sums);
      reader.load(stage(slice), 1, even);
      multiply_step(even, sums);
      cp_async_wait<mma_stages - 2>();
      __syncthreads();
    }
  }
  cp_async_wait_all();
}

// Calls store(row, column, values) for 8 neighbouring results of a row at a time, where columns are dealt. row and column
// count from the tile's corner.
template <class Tile, class Store>
__device__ __forceinline__ void for_each_dealt_eight(const MmaSums<Tile>& sums, Store store) {
#pragma unroll
  for (int i = 0; i < Tile::row_tiles; ++i) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const MatrixPlace place = mma_sum_place(lane_id(), 2 * half);
#pragma unroll
      for (int j = 0; j < Tile::column_tiles; j += 4) {
        float values[8];
#pragma unroll
        for (int v = 0; v < 8; ++v) values[v] = sums.value(i, j + v / 2, 2 * half + v % 2);
        store(Tile::first_row() + 16 * i + place.row, Tile::first_column() + 8 * j + dealt_column(place.column, 0),
              values);
      }
    }
  }
}

// Calls store(row, column, value, next) for two neighbouring results at a time, where columns are in order.
template <class Tile, class Store>
__device__ __forceinline__ void for_each_pair(const MmaSums<Tile>& sums, Store store) {
#pragma unroll
  for (int i = 0; i < Tile::row_tiles; ++i) {
#pragma unroll
    for (int j = 0; j < Tile::column_tiles; ++j) {
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        const MatrixPlace place = mma_sum_place(lane_id(), 2 * half);
        store(Tile::first_row() + 16 * i + place.row, Tile::first_column() + 8 * j + place.column,
              sums.value(i, j, 2 * half), sums.value(i, j, 2 * half + 1));
      }
    }
  }
}

template <class T>
struct alignas(16) Chunk {
  T elements[chunk_elements<T>];
};

// Writes 8 results, rounded, behind the ReLU that left `gate`, or null (epilogue.cuh). Where not `in_chunks`, which
// says that all is aligned to 16 bytes and nothing is beyond the edge, only the first `count` of them, one by one.
template <class T>
__device__ __forceinline__ void store_eight(T* to, const T* gate, bool in_chunks, int count, const float (&values)[8]) {
  if (!in_chunks) {
    for (int v = 0; v < 8; ++v) {
      if (v < count) to[v] = gated(gate, v, from_float<T>(values[v]));
    }
    return;
  }
  constexpr int elements = chunk_elements<T>;
#pragma unroll
  for (int first = 0; first < 8; first += elements) {
    Chunk<T> chunk;
    if constexpr (std::is_same_v<T, float>) {
      for (int e = 0; e < elements; ++e) chunk.elements[e] = values[first + e];
    } else {
      for (int e = 0; e < elements; e += 2) {  // one instruction for two
        const std::uint32_t pair = pack_pair<T>(values[first + e], values[first + e + 1]);
        chunk.elements[e].bits = static_cast<std::uint16_t>(pair);
        chunk.elements[e + 1].bits = static_cast<std::uint16_t>(pair >> 16);
      }
    }
    if (gate != nullptr) {
      const Chunk<T> open = *wide<const Chunk<T>>(gate + first);
      for (int e = 0; e < elements; ++e) chunk.elements[e] = gated(open.elements, e, chunk.elements[e]);
    }
    *wide<Chunk<T>>(to + first) = chunk;
  }
}

}  // namespace fovea::FOVEA_TARGET
