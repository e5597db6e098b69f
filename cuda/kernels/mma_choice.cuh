// SPDX-License-Identifier: Apache-2.0
//
// Which tile of mma_tile.cuh a launcher takes, and by which loads. Both follow from shapes and addresses only, and
// neither changes a bit of the result.
#pragma once
#include <cstdint>
#include <type_traits>

#include "cuda/kernels/kernels_mma.h"
#include "cuda/kernels/mma_tile.cuh"

namespace fovea::FOVEA_TARGET {

// Whether a tensor's rows of `length` elements can be read or written `elements` at a time, which are 16 bytes or more.
template <class T>
bool lies_in_chunks(const T* tensor, std::int64_t length, std::int64_t elements) {
  return reinterpret_cast<std::uintptr_t>(tensor) % 16 == 0 && length % elements == 0;
}

// The largest tile whose results give at least one block to each of 132 multiprocessors (an H100's, an H200's), without
// half of its columns idle; else the smallest.
//
//   blocks of 128 x 128 >= 132 and columns > 64     large
//   blocks of 128 x 64 >= 132 and columns <= 64     narrow
//   else                                            small
inline MmaTileSize choose_mma_tile(std::int64_t rows, std::int64_t columns, std::int64_t groups) {
  const std::int64_t enough = 132, down = groups * ((rows + 127) / 128);
  if (columns > 64) return down * ((columns + 127) / 128) >= enough ? MmaTileSize::large : MmaTileSize::small;
  return down >= enough ? MmaTileSize::narrow : MmaTileSize::small;
}

// Calls f(std::type_identity<Tile>{}) with the tile of this size.
template <class F>
void with_mma_tile(MmaTileSize size, F&& f) {
  if (size == MmaTileSize::large) return f(std::type_identity<LargeMmaTile>{});
  if (size == MmaTileSize::narrow) return f(std::type_identity<NarrowMmaTile>{});
  f(std::type_identity<SmallMmaTile>{});
}

}  // namespace fovea::FOVEA_TARGET
