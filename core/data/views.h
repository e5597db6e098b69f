// SPDX-License-Identifier: Apache-2.0
//
// Test-time augmentation: several views of one image, whose predictions are averaged.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/data/augment/augmentation.h"

namespace fovea {

// flip: the image and its mirror image. five-crop: the corners and the centre, each of 7/8 of both sides (224 of 256 in
// AlexNet), enlarged to the image's size. ten-crop: those and their mirror images. random:N: N random parts of 1/2 to all
// of the area, each mirrored or not, that follow from (seed, sample).
class Views {
 public:
  // Throws InputError: none of these, or N outside 1 to 100.
  static Views parse(std::string_view text);

  std::int64_t count() const { return count_; }
  const std::string& text() const { return text_; }
  // Throws InputError unless the samples are images [C, H, W].
  void require_fits(const Shape& sample_shape) const;
  // View number `view` of one sample, whose C x H x W bytes are changed in place.
  void apply(std::int64_t view, std::uint64_t seed, std::int64_t sample, const Shape& sample_shape,
             std::span<std::uint8_t> pixels, std::vector<std::uint8_t>& scratch) const;

 private:
  enum class Kind { flip, crops, crops_and_flips, random };

  Kind kind_ = Kind::flip;
  std::int64_t count_ = 0;
  std::string text_;
  Augmentation random_;
};

}  // namespace fovea
