// SPDX-License-Identifier: Apache-2.0
//
// Which tile of mma_tile.cuh a launcher takes, and by which loads. Both follow from shapes and addresses only, and
// neither changes a bit of the result; but for float32 in three products, which the caller asks for as a tile of its own.
#pragma once
#include <cstdint>
#include <type_traits>

#include "core/support/error.h"
#include "cuda/kernels/kernels_mma.h"
#include "cuda/kernels/mma_tile.cuh"

namespace fovea::FOVEA_TARGET {

// Whether a tensor's rows of `length` elements can be read or written `elements` at a time, which are 16 bytes or more.
template <class T>
bool lies_in_chunks(const T* tensor, std::int64_t length, std::int64_t elements) {
  return reinterpret_cast<std::uintptr_t>(tensor) % 16 == 0 && length % elements == 0;
}

// How often blocks must take the place of others on 132 multiprocessors (an H100's, an H200's) that hold `together` each.
inline std::int64_t mma_rounds(std::int64_t blocks, std::int64_t together) {
  return (blocks + 132 * together - 1) / (132 * together);
}

// Two large blocks share a multiprocessor, or three narrow ones, and a round takes about as long: on an H100 about 15 for 14
// (bench/results/2026-11-27-h100-2/tiles-5.txt). So the last round, which is rarely full, decides; and whether
// half of the last columns would be idle, as of 192. Results that give no block of 128 rows to each multiprocessor get
// small tiles.
inline MmaTileSize choose_mma_tile(std::int64_t rows, std::int64_t columns, std::int64_t groups) {
  const std::int64_t down = groups * ((rows + 127) / 128);
  const std::int64_t large = down * ((columns + 127) / 128), narrow = down * ((columns + 63) / 64);
  if (large < 132) return MmaTileSize::small;
  if (columns <= 64 || 14 * mma_rounds(narrow, 3) < 15 * mma_rounds(large, 2)) return MmaTileSize::narrow;
  return MmaTileSize::large;
}

// Calls f(std::type_identity<Tile>{}) with the tile of this size.
template <class F>
void with_mma_tile(MmaTileSize size, F&& f) {
  if (size == MmaTileSize::large) return f(std::type_identity<LargeMmaTile>{});
  if (size == MmaTileSize::narrow) return f(std::type_identity<NarrowMmaTile>{});
  f(std::type_identity<SmallMmaTile>{});
}

// Calls f(std::type_identity<Tile>{}, std::bool_constant<by_chunks>{}) for a kernel of elements T: with the tile of this
// size, or by elements with the small one, whatever the size. Throws InputError where fp32x3 is asked of 16 bits.
template <class T, class F>
void with_mma_kernel(MmaTileSize size, bool by_chunks, F&& f) {
  if (size == MmaTileSize::fp32x3) {
    require(std::is_same_v<T, float>, [] { return "fp32x3: expected tensors of f32, got 16 bits"; });
    if constexpr (std::is_same_v<T, float>) {
      if (by_chunks) return f(std::type_identity<SplitMmaTile>{}, std::true_type{});
      f(std::type_identity<SplitMmaTile>{}, std::false_type{});
    }
  } else if (by_chunks) {
    with_mma_tile(size, [&](auto tile) { f(tile, std::true_type{}); });
  } else {
    f(std::type_identity<SmallMmaTile>{}, std::false_type{});
  }
}

}  // namespace fovea::FOVEA_TARGET
