// SPDX-License-Identifier: Apache-2.0
//
// Slices of operands in shared memory, and how a warp takes fragments of mma (runtime/mma.cuh) from them.
//
//   out[row, column] = sum over d of a[row, d] * b[column, d]          rows and columns are the operands' *edges*
//
// A block holds a slice of the depth at a time: 64 bytes of it for every row and column, which is two steps of mma (32
// elements of 16 bits, or 16 floats, which become tf32). Everything moves in chunks of 16 bytes, as cp.async and
// ldmatrix want it. Two ways to lie, after what is contiguous in global memory:
//
//   along the depth    [edge][4 chunks]       a pixel's channels, a filter's taps: forward and data gradients
//   along the edge     [depth][edge chunks]   all filters, or channels, of one pixel: filter gradients, where d = (n,p,q)
//
// Swizzle. Shared memory has 32 banks of 4 bytes: eight chunks at a time, if they fall into eight different columns of 16
// bytes. Eight lanes of ldmatrix read one chunk of eight edges, which would lie in two columns only (or in one). So a
// chunk is stored at its number XOR a number that its row chooses: `depth_slice_place`, `edge_slice_place`. Those who
// write meet no bank twice either way.
//
// Dealt columns. Of an 8-column tile of sums a lane holds columns 2t and 2t+1 (t = lane % 4): 4 bytes of a row of 16-bit
// results, and the lanes of one row 16 bytes, half of what memory moves at least. So that a lane's sums of four tiles
// are neighbours, column n of tile j is not 8*j + n of the 32 but dealt_column(n, j): lane t owns columns 8t to 8t+7,
// 16 bytes or 32. All it takes is that ldmatrix is told other rows of b. (Not where b lies along the edge: there eight
// neighbours come in one chunk.)
#pragma once
#include <cstdint>
#include <type_traits>

#include "cuda/runtime/ldmatrix.cuh"
#include "cuda/runtime/mma.cuh"

namespace fovea::FOVEA_TARGET {

// What the tensor cores multiply where tensors are stored as T.
template <class T>
using MmaInput = std::conditional_t<std::is_same_v<T, float>, tf32_t, T>;

template <class T>
inline constexpr int chunk_elements = 16 / static_cast<int>(sizeof(T));
constexpr int slice_chunks = 4;  // along the depth
constexpr int slice_steps = 2;   // of mma, two chunks each
template <class T>
inline constexpr int mma_slice_depth = slice_chunks* chunk_elements<T>;
static_assert(mma_slice_depth<bf16_t> == slice_steps * mma_depth<bf16_t>);
static_assert(mma_slice_depth<float> == slice_steps * mma_depth<tf32_t>);

// Where a chunk lies in its slice. The first term of the XOR serves eight rows that follow each other, the second eight
// dealt columns, which are rows 2j, 2j+1, 8+2j, 8+2j+1, ...; a row is half of the 128 bytes of all banks.
FOVEA_HOST_DEVICE constexpr int depth_swizzle(int edge) { return (edge / 2 ^ edge / 8) % slice_chunks; }
FOVEA_HOST_DEVICE constexpr int depth_slice_place(int edge, int chunk) {
  return edge * slice_chunks + (chunk ^ depth_swizzle(edge));
}
// Eight rows that follow each other, for ldmatrix, and four rows of two chunks, for tf32, whose elements lanes read one
// by one: both get eight columns of banks.
FOVEA_HOST_DEVICE constexpr int edge_swizzle(int depth) { return depth % 4 * 2 + depth / 4 % 2; }
template <int edge_chunks>
FOVEA_HOST_DEVICE constexpr int edge_slice_place(int depth, int chunk) {
  static_assert(edge_chunks % 8 == 0);
  return depth * edge_chunks + (chunk ^ edge_swizzle(depth));
}

// The same place `edges` and `chunks` further on, or `chunks` along the edge and `depths`. Lanes find their first place once;
// from there it is the XOR of a constant and the sum with one, which costs an instruction or none. Holds where the first
// edge, chunk and depth have none of the bits that are added.
FOVEA_HOST_DEVICE constexpr int further_along_depth(int place, int edges, int chunks) {
  return (place ^ depth_swizzle(edges) ^ chunks) + edges * slice_chunks;
}
template <int edge_chunks>
FOVEA_HOST_DEVICE constexpr int further_along_edge(int place, int chunks, int depths) {
  return (place ^ chunks ^ edge_swizzle(depths)) + depths * edge_chunks;
}

// Which of 32 columns is column n of the 8 of tile j of 4.
FOVEA_HOST_DEVICE constexpr int dealt_column(int n, int j) { return n / 2 * 8 + j * 2 + n % 2; }

__device__ __forceinline__ int lane_id() { return static_cast<int>(threadIdx.x) % 32; }
__device__ __forceinline__ int warp_id() { return static_cast<int>(threadIdx.x) / 32; }

// Floats become tf32, to nearest: mma itself would cut them off. (In three products: mma_split.cuh.)
template <class T, int count>
__device__ __forceinline__ void round_inputs(std::uint32_t (&registers)[count]) {
  if constexpr (std::is_same_v<T, float>) {
    for (std::uint32_t& r : registers) r = to_tf32(__uint_as_float(r)).bits;
  }
}

// Where a lane's first chunk of a lies, of the 16 rows from `first` on; that of `edge_chunks` in a row, along the edge.
__device__ __forceinline__ int a_place_along_depth(int first) {
  const TileChunk chunk = a_chunk(lane_id());
  return depth_slice_place(first + chunk.row, chunk.chunk);
}
template <int edge_chunks>
__device__ __forceinline__ int a_place_along_edge(int first) {
  const TileChunk chunk = a_chunk_transposed(lane_id());
  return edge_slice_place<edge_chunks>(chunk.row, first / 8 + chunk.chunk);
}

// The same of b, of tiles 0 and 1 from column `first` on.
__device__ __forceinline__ int b_place_along_depth(int first) {
  const TileChunk chunk = b_chunk(lane_id());
  return depth_slice_place(first + dealt_column(chunk.row, lane_id() / 16), chunk.chunk);
}
template <int edge_chunks>
__device__ __forceinline__ int b_place_along_edge(int first) {
  return edge_slice_place<edge_chunks>(b_chunk_transposed(lane_id()).row, first / 8 + lane_id() / 16);
}

// Row tile i, and step `step` of the slice; `place` is the lane's. These four leave floats as they lie.
template <class T>
__device__ __forceinline__ void load_a_along_depth(FragmentA<MmaInput<T>>& a, const uint4* slice, int place, int i,
                                                   int step) {
  ldmatrix<4>(a.registers, slice + further_along_depth(place, 16 * i, 2 * step));
}

// Column tiles j and j+1, dealt.
template <class T>
__device__ __forceinline__ void load_b_along_depth(FragmentB<MmaInput<T>>& b0, FragmentB<MmaInput<T>>& b1,
                                                   const uint4* slice, int place, int j, int step) {
  std::uint32_t both[4];
  ldmatrix<4>(both, slice + further_along_depth(place, j / 4 * 32 + dealt_column(0, j % 4), 2 * step));
  b0 = {{both[0], both[1]}};
  b1 = {{both[2], both[3]}};
}

// One float of a slice along the edge.
template <int edge_chunks>
__device__ __forceinline__ std::uint32_t edge_slice_word(const uint4* slice, int depth, int edge) {
  const uint4* chunk = slice + edge_slice_place<edge_chunks>(depth, edge / 4);
  return reinterpret_cast<const std::uint32_t*>(chunk)[edge % 4];
}

// As load_a_along_depth, of a slice with `edge_chunks` chunks in a row. ldmatrix transposes 16-bit elements only, so that
// floats are read one by one, from row `first` on.
template <class T, int edge_chunks>
__device__ __forceinline__ void load_a_along_edge(FragmentA<MmaInput<T>>& a, const uint4* slice, int place, int first,
                                                  int i, int step) {
  if constexpr (std::is_same_v<T, float>) {
    for (int r = 0; r < 4; ++r) {
      const MatrixPlace of = mma_a_place<8>(lane_id(), r);
      a.registers[r] = edge_slice_word<edge_chunks>(slice, 8 * step + of.column, first + 16 * i + of.row);
    }
  } else {
    ldmatrix<4, true>(a.registers, slice + further_along_edge<edge_chunks>(place, 2 * i, 16 * step));
  }
}

// Column tiles j and j+1, counted from column `first` on, not dealt.
template <class T, int edge_chunks>
__device__ __forceinline__ void load_b_along_edge(FragmentB<MmaInput<T>>& b0, FragmentB<MmaInput<T>>& b1,
                                                  const uint4* slice, int place, int first, int j, int step) {
  std::uint32_t both[4];
  if constexpr (std::is_same_v<T, float>) {
    for (int r = 0; r < 4; ++r) {
      const MatrixPlace of = mma_b_place<8>(lane_id(), r % 2);
      both[r] = edge_slice_word<edge_chunks>(slice, 8 * step + of.row, first + 8 * (j + r / 2) + of.column);
    }
  } else {
    ldmatrix<4, true>(both, slice + further_along_edge<edge_chunks>(place, j, 16 * step));
  }
  b0 = {{both[0], both[1]}};
  b1 = {{both[2], both[3]}};
}

}  // namespace fovea::FOVEA_TARGET
