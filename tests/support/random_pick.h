// SPDX-License-Identifier: Apache-2.0
//
// Drawing the options and shapes of random cases.
#pragma once
#include <algorithm>

#include "core/support/philox.h"
#include "core/tensor/shape.h"

namespace fovea::test {

// Uniform in [low, high].
inline std::int64_t pick(RandomStream& random, std::int64_t low, std::int64_t high) {
  return low + random.below(static_cast<std::uint32_t>(high - low + 1));
}
inline bool pick_bool(RandomStream& random) { return random.below(2) == 1; }
inline double pick_real(RandomStream& random, double low, double high) {
  return low + (high - low) * (random.next_u32() * 0x1p-32);
}
inline Size2 pick_size(RandomStream& random, std::int64_t low, std::int64_t high) {
  const std::int64_t h = pick(random, low, high);
  return {h, pick(random, low, high)};
}
// Four sides, each from 0 to its limit.
inline Padding2 pick_padding(RandomStream& random, std::int64_t vertical, std::int64_t horizontal) {
  const std::int64_t top = pick(random, 0, vertical), left = pick(random, 0, horizontal);
  const std::int64_t bottom = pick(random, 0, vertical);
  return {top, left, bottom, pick(random, 0, horizontal)};
}
// [N, C, H, W] with at least h x w pixels.
inline Shape pick_images(RandomStream& random, std::int64_t h, std::int64_t w) {
  const std::int64_t n = pick(random, 1, 3), c = pick(random, 1, 5), height = h + pick(random, 0, 9);
  return {n, c, height, w + pick(random, 0, 9)};
}
// One to four axes, at most `limit` elements.
inline Shape pick_shape(RandomStream& random, std::int64_t limit) {
  const std::int64_t rank = pick(random, 1, 4);
  std::int64_t extents[4] = {1, 1, 1, 1};
  for (std::int64_t axis = 0; axis < rank; ++axis) {
    const std::int64_t longest = axis == rank - 1 ? limit : std::min<std::int64_t>(limit, 9);
    extents[axis] = pick(random, 1, longest);
    limit /= extents[axis];
  }
  return Shape(std::span<const std::int64_t>(extents, static_cast<std::size_t>(rank)));
}

}  // namespace fovea::test
