// SPDX-License-Identifier: Apache-2.0
//
// Handwritten-looking digits made by rule, so that a net can be trained with nothing to download: 28 x 28 grey images,
// white on black, the digit in a box of 20 x 20 about its centre of mass, as in MNIST.
#pragma once
#include <cstdint>
#include <span>

#include "core/data/dataset.h"

namespace fovea {

inline constexpr std::int64_t digits_train_samples = 20000, digits_test_samples = 4000;
inline constexpr std::int64_t digit_extent = 28;

enum class DigitSplit : std::uint32_t { train = 0, test = 1 };

// Draws sample `index` of a split into 28 * 28 bytes and returns its digit, index % 10. The picture depends on
// (split, index) only, and is the same wherever floating-point arithmetic follows IEEE 754.
std::int32_t draw_digit(DigitSplit split, std::int64_t index, std::span<std::uint8_t> pixels);

DataSplits open_digits();

}  // namespace fovea
