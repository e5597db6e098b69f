// SPDX-License-Identifier: Apache-2.0
#include "core/data/augment/normal.h"

#include <array>
#include <cmath>
#include <numbers>

#include "core/ops/augment.h"

namespace fovea {
namespace {

constexpr std::size_t slices = normal_numbers;

std::array<std::int32_t, slices> make_table() {
  std::array<std::int32_t, slices> table{};
  for (std::size_t i = slices / 2; i < slices; ++i) {
    const double p = (static_cast<double>(i) + 0.5) / slices;
    double low = 0, high = 8;
    for (int step = 0; step < 50; ++step) {
      const double middle = (low + high) / 2;
      (1 - std::erfc(middle / std::numbers::sqrt2) / 2 < p ? low : high) = middle;
    }
    table[i] = static_cast<std::int32_t>(std::lround(std::ldexp(low, normal_bits)));
    table[slices - 1 - i] = -table[i];
  }
  return table;
}

}  // namespace

std::span<const std::int32_t> normal_table() {
  static const std::array<std::int32_t, slices> table = make_table();
  return table;
}

}  // namespace fovea
