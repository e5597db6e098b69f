// SPDX-License-Identifier: Apache-2.0
//
// The passes of core/ops/augment.h over one image on the host, with the numbers that were drawn for it.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "core/ops/augment.h"

namespace fovea {

// Planes of bytes, C x H x W, changed in place. `scratch` is room that operations may use as they like.
struct ImageBytes {
  std::int64_t channels = 0, height = 0, width = 0;
  std::span<std::uint8_t> pixels;
  std::vector<std::uint8_t>& scratch;

  std::int64_t area() const { return height * width; }
  std::span<std::uint8_t> plane(std::int64_t c) const {
    return pixels.subspan(static_cast<std::size_t>(c * area()), static_cast<std::size_t>(area()));
  }
  // A copy of the pixels in `scratch`.
  std::span<const std::uint8_t> copied() const {
    scratch.assign(pixels.begin(), pixels.end());
    return scratch;
  }
};

using AugmentRow = std::span<const std::int64_t>;

// Whole pixels and scaling, which nearly all images get, are quicker than the rest.
void warp_image(AugmentRow row, const ImageBytes& image);

void change_brightness(AugmentRow row, const ImageBytes& image);
void change_contrast(AugmentRow row, const ImageBytes& image);
void change_saturation(AugmentRow row, const ImageBytes& image);
void turn_hue(AugmentRow row, const ImageBytes& image);
void add_offset(AugmentRow row, const ImageBytes& image);

void blur_image(AugmentRow row, const ImageBytes& image);
// normal: normal_numbers() or another table of as many.
void add_noise(AugmentRow row, std::span<const std::int32_t> normal, const ImageBytes& image);
void cut_out(AugmentRow row, const ImageBytes& image);

// Changes `image` where the other one's pixels take part.
void mix_images(AugmentRow row, std::span<const std::uint8_t> other, const ImageBytes& image);

// Any of them that looks at one image.
void apply_pass(AugmentPass pass, AugmentRow row, const ImageBytes& image);

inline std::uint8_t to_byte(std::int64_t value) {
  return static_cast<std::uint8_t>(value < 0 ? 0 : value > 255 ? 255 : value);
}

}  // namespace fovea
