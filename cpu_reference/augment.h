// SPDX-License-Identifier: Apache-2.0
//
// Augmentation, sample by sample: the passes themselves are the host's (core/data/augment), so that a device that equals
// this one equals what the loader makes. Normalisation is a table's entry for each byte.
#pragma once
#include <span>
#include <vector>

#include "core/data/augment/passes.h"

namespace fovea::reference {

// pass(row, image) for every sample of images [N, C, H, W] with its row of `rows` [N, numbers].
template <class Pass>
void augment(const Shape& images, std::int64_t numbers, const std::int64_t* rows, std::uint8_t* pixels, Pass&& pass) {
  const std::int64_t N = images[0], C = images[1], H = images[2], W = images[3];
  std::vector<std::uint8_t> scratch;
  for (std::int64_t n = 0; n < N; ++n) {
    const std::span<std::uint8_t> sample(pixels + n * C * H * W, static_cast<std::size_t>(C * H * W));
    pass(AugmentRow(rows + n * numbers, static_cast<std::size_t>(numbers)), ImageBytes{C, H, W, sample, scratch});
  }
}

// Every sample of `pixels` with the sample of `others` at its place.
inline void augment_mix(const Shape& images, const std::int64_t* rows, const std::uint8_t* others,
                        std::uint8_t* pixels) {
  const std::int64_t size = images.without_batch().elements();
  augment(images, mix_numbers, rows, pixels, [&](AugmentRow row, const ImageBytes& image) {
    mix_images(row, {others, static_cast<std::size_t>(size)}, image);
    others += size;
  });
}

inline void augment_normalise(const Shape& images, const float* table, const std::uint8_t* pixels, float* y) {
  const std::int64_t N = images[0], C = images[1], positions = images[2] * images[3];
  for (std::int64_t n = 0; n < N; ++n)
    for (std::int64_t c = 0; c < C; ++c)
      for (std::int64_t p = 0; p < positions; ++p) *y++ = table[c * byte_values + *pixels++];
}

}  // namespace fovea::reference
