// SPDX-License-Identifier: Apache-2.0
//
// Where chunks and columns lie (cuda/kernels/mma_slice.cuh): no chunk twice, and no bank twice in one access. emu knows
// no banks, so these claims are proved by counting.
#include "cuda/kernels/mma_slice.cuh"

#include <set>

#include "tests/emu/emu_test.h"

namespace fovea::emu {
namespace {

// Of the 128 bytes of all banks, the column of 16 bytes that a chunk lies in.
int bank_column(int place) { return place % 8; }

template <class Place>
std::size_t columns_of_eight(Place place) {
  std::set<int> columns;
  for (int i = 0; i < 8; ++i) columns.insert(bank_column(place(i)));
  return columns.size();
}

TEST(MmaSlice, EveryChunkHasItsPlace) {
  std::set<int> along_depth, along_edge;
  for (int edge = 0; edge < 128; ++edge) {
    for (int chunk = 0; chunk < slice_chunks; ++chunk) along_depth.insert(depth_slice_place(edge, chunk));
  }
  for (int depth = 0; depth < 32; ++depth) {
    for (int chunk = 0; chunk < 16; ++chunk) along_edge.insert(edge_slice_place<16>(depth, chunk));
  }
  EXPECT_EQ(along_depth.size(), 512u);
  EXPECT_EQ(*along_depth.rbegin(), 511);
  EXPECT_EQ(along_edge.size(), 512u);
  EXPECT_EQ(*along_edge.rbegin(), 511);
}

// Bits that a first place leaves free: of edges 0 to 3, 8 to 15 and 32 on; of edges and depths from 8 on, of chunks 2 and 4.
TEST(MmaSlice, FurtherPlacesAreThoseOfFurtherChunks) {
  for (int edge : {0, 3, 9, 64, 75}) {
    for (int further : {0, 4, 16, 32, 36, 52}) {
      if ((edge & further) != 0) continue;
      for (int chunk = 0; chunk < slice_chunks; ++chunk) {
        const int place = depth_slice_place(edge, chunk % 2);
        EXPECT_EQ(further_along_depth(place, further, chunk / 2 * 2), depth_slice_place(edge + further, chunk));
      }
    }
  }
  for (int depth = 0; depth < 8; ++depth) {
    for (int chunk : {0, 1, 8, 9}) {
      const int place = edge_slice_place<16>(depth, chunk);
      for (int chunks = 0; chunks < 8; chunks += 2) {
        for (int further = 0; further < 32; further += 8) {
          EXPECT_EQ(further_along_edge<16>(place, chunks, further),
                    edge_slice_place<16>(depth + further, chunk + chunks));
        }
      }
    }
  }
  for (int further = 0; further < 16; further += 4) {  // floats
    EXPECT_EQ(further_along_edge<16>(edge_slice_place<16>(3, 5), 0, further), edge_slice_place<16>(3 + further, 5));
  }
}

TEST(MmaSlice, EightLanesOfLdmatrixMeetNoBankTwice) {
  for (int chunk = 0; chunk < slice_chunks; ++chunk) {
    for (int first = 0; first < 128; first += 8) {
      EXPECT_EQ(columns_of_eight([&](int i) { return depth_slice_place(first + i, chunk); }), 8u);
      EXPECT_EQ(columns_of_eight([&](int i) { return edge_slice_place<16>(first + i, chunk); }), 8u);
    }
    for (int first = 0; first < 128; first += 32) {
      for (int j = 0; j < 4; ++j) {
        EXPECT_EQ(columns_of_eight([&](int n) { return depth_slice_place(first + dealt_column(n, j), chunk); }), 8u);
      }
    }
  }
}

TEST(MmaSlice, EightThreadsThatCopyMeetNoBankTwice) {
  for (int edge = 0; edge < 128; edge += 2) {
    EXPECT_EQ(columns_of_eight([&](int i) { return depth_slice_place(edge + i / slice_chunks, i % slice_chunks); }),
              8u);
  }
  for (int depth = 0; depth < 32; ++depth) {
    EXPECT_EQ(columns_of_eight([&](int i) { return edge_slice_place<8>(depth, i); }), 8u);
  }
}

// Floats that a warp reads one by one: 8 neighbours of 4 depths.
TEST(MmaSlice, WarpsThatReadFloatsMeetNoBankTwice) {
  for (int depth = 0; depth < 16; depth += 4) {
    for (int edge = 0; edge < 64; edge += 8) {
      std::set<int> banks;
      for (int lane = 0; lane < 32; ++lane) {
        const int e = edge + lane / 4;
        banks.insert(bank_column(edge_slice_place<16>(depth + lane % 4, e / 4)) * 4 + e % 4);
      }
      EXPECT_EQ(banks.size(), 32u);
    }
  }
}

TEST(MmaSlice, LanesOwnEightNeighbouringColumns) {
  for (int t = 0; t < 4; ++t) {
    for (int v = 0; v < 8; ++v) {
      EXPECT_EQ(dealt_column(mma_sum_place(t, v % 2).column, v / 2), 8 * t + v);
    }
  }
}

}  // namespace
}  // namespace fovea::emu
