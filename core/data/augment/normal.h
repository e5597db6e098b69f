// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <span>

#include "core/support/philox.h"

namespace fovea {

// Standard normal numbers in units of 1/4096: 4096 equally likely values, the middles of as many slices of the bell, so
// that no logarithm decides about bits. The largest is 3.67, the variance 0.9997.
inline constexpr int normal_bits = 12;
std::span<const std::int32_t> normal_table();
inline std::int32_t normal_at(std::uint32_t slice) { return normal_table()[slice]; }  // slice below 4096
inline std::int32_t draw_normal(RandomStream& random) { return normal_at(random.next_u32() >> 20); }

}  // namespace fovea
