// SPDX-License-Identifier: Apache-2.0
//
// The loops over pixels that augmentation spends its time in, for x86 processors with AVX2. Compilers run them in lanes too,
// but find neither the rounded product of 16 bits nor the shuffle of bytes that make them two to five times faster.
//
// Each function does as many whole registers as there are and returns how many elements that were, none on another processor:
// the caller's plain loop goes on from there, with the same bytes. The formulas are in core/ops/augment.h.
#pragma once
#include <cstddef>
#include <cstdint>

namespace fovea::lanes {

// blend(v, other, factor) of all values.
std::size_t blend(std::uint8_t* pixels, std::size_t count, int other, int factor);
// blend(v, the pixel's grey, factor) of three channels.
std::size_t saturate(std::uint8_t* red, std::uint8_t* green, std::uint8_t* blue, std::size_t count, int factor);
// Adds the pixels' grey to `sum`.
std::size_t add_greys(const std::uint8_t* red, const std::uint8_t* green, const std::uint8_t* blue, std::size_t count,
                      std::uint64_t& sum);
// Turns the colour wheel by `turn`, at most three sectors either way.
std::size_t turn_hues(std::uint8_t* red, std::uint8_t* green, std::uint8_t* blue, std::size_t count, int turn);

// Scaling a row: eight neighbouring elements of the result, each a weighted sum of two neighbouring pixels, come from
// sixteen neighbouring pixels unless the row shrinks to less than half.
inline constexpr std::size_t columns_of_block = 8, window = 16;
struct ColumnBlock {
  std::size_t begin;  // of the window in the row
  // Which byte of the window is an element's pixel, each followed by one that stands for 0: the pixels as 16-bit numbers.
  std::uint8_t near_at[window], far_at[window];
  std::uint16_t near[columns_of_block], far[columns_of_block];  // weights of 256
};
// The `window` bytes from each block's begin on must be readable.
std::size_t blend_columns(const std::uint8_t* row, const ColumnBlock* blocks, std::size_t count, std::uint16_t* out);
// near * upper + far * lower, in 1/65536, rounded.
std::size_t blend_rows(const std::uint16_t* upper, const std::uint16_t* lower, int near, int far, std::size_t width,
                       std::uint8_t* out);

}  // namespace fovea::lanes
