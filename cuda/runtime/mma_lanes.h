// SPDX-License-Identifier: Apache-2.0
//
// Which lane of a warp holds which element of the matrices of mma (mma.cuh) and ldmatrix (ldmatrix.cuh). The maps are
// those of the PTX ISA, sections "Matrix Fragments for mma.m16n8k16 with floating point type", "Matrix Fragments for
// mma.m16n8k8" and "Warp-level matrix load instruction: ldmatrix". Kernels use them to know where their sums belong, the
// emulator to do what the instruction does. With
//
//   g = lane / 4   the lane's group ("groupID")        t = lane % 4   its place in the group ("threadID_in_group")
//
//   m16n8k16, two 16-bit elements in a register, the one of lower number in the low half:
//     A, 16 x 16      a0 a1   row g      columns 2t, 2t+1          B, 16 x 8    b0 b1   rows 2t, 2t+1      column g
//                     a2 a3   row g+8    columns 2t, 2t+1                       b2 b3   rows 2t+8, 2t+9    column g
//                     a4 a5   row g      columns 2t+8, 2t+9
//                     a6 a7   row g+8    columns 2t+8, 2t+9
//   m16n8k8 of tf32, one element in a register:
//     A, 16 x 8       a0      row g      column t                  B, 8 x 8     b0      row t              column g
//                     a1      row g+8    column t                               b1      row t+4            column g
//                     a2      row g      column t+4
//                     a3      row g+8    column t+4
//   C and D of both, 16 x 8, one float in a register:
//                     c0 c1   row g      columns 2t, 2t+1
//                     c2 c3   row g+8    columns 2t, 2t+1
//   ldmatrix, each matrix 8 x 8 of 16 bits, two in a register:
//     as stored       e0 e1   row g      columns 2t, 2t+1
//     .trans          e0 e1   rows 2t, 2t+1                column g
#pragma once
#include "core/support/host_device.h"
#include "cuda/runtime/target.h"

namespace fovea::FOVEA_TARGET {

struct MatrixPlace {
  int row, column;
};

// Element i of a lane's part of A: 8 elements for depth 16, 4 for depth 8.
template <int depth>
FOVEA_HOST_DEVICE constexpr MatrixPlace mma_a_place(int lane, int i) {
  static_assert(depth == 8 || depth == 16);
  const int g = lane / 4, t = lane % 4;
  if constexpr (depth == 16) {
    return {g + (i / 2 % 2) * 8, 2 * t + i % 2 + (i / 4) * 8};
  } else {
    return {g + (i % 2) * 8, t + (i / 2) * 4};
  }
}

// Element i of a lane's part of B: 4 elements for depth 16, 2 for depth 8.
template <int depth>
FOVEA_HOST_DEVICE constexpr MatrixPlace mma_b_place(int lane, int i) {
  static_assert(depth == 8 || depth == 16);
  const int g = lane / 4, t = lane % 4;
  if constexpr (depth == 16) {
    return {2 * t + i % 2 + (i / 2) * 8, g};
  } else {
    return {t + i * 4, g};
  }
}

// Sum i of the 4 that a lane holds.
FOVEA_HOST_DEVICE constexpr MatrixPlace mma_sum_place(int lane, int i) {
  return {lane / 4 + (i / 2) * 8, 2 * (lane % 4) + i % 2};
}

// Element i of the 2 that a lane gets of each matrix.
FOVEA_HOST_DEVICE constexpr MatrixPlace ldmatrix_place(int lane, int i, bool transposed) {
  const int g = lane / 4, pair = 2 * (lane % 4) + i;
  return transposed ? MatrixPlace{pair, g} : MatrixPlace{g, pair};
}

// The row that a lane names so that one ldmatrix fills a whole fragment, registers in order: `row` of the tile as it
// is stored, and the `chunk` of 16 bytes in that row (8 elements of 16 bits, or 4 of tf32).
struct TileChunk {
  int row, chunk;
};

// ldmatrix<4>: A stored row by row, [m][k]. Good for tf32 too.
FOVEA_HOST_DEVICE constexpr TileChunk a_chunk(int lane) { return {lane % 16, lane / 16}; }
// ldmatrix<2>: B stored column by column, [n][k]. Good for tf32 too. Lanes from 16 on repeat those below.
FOVEA_HOST_DEVICE constexpr TileChunk b_chunk(int lane) { return {lane % 8, lane / 8 % 2}; }
// ldmatrix<4, transposed>: A stored column by column, [k][m]; 16-bit types only.
FOVEA_HOST_DEVICE constexpr TileChunk a_chunk_transposed(int lane) { return {lane % 8 + lane / 16 * 8, lane / 8 % 2}; }
// ldmatrix<2, transposed>: B stored row by row, [k][n]; 16-bit types only. Lanes from 16 on repeat those below.
FOVEA_HOST_DEVICE constexpr TileChunk b_chunk_transposed(int lane) { return {lane % 16, 0}; }

}  // namespace fovea::FOVEA_TARGET
