// SPDX-License-Identifier: Apache-2.0
#include "core/data/views.h"

#include <fmt/format.h>

#include <charconv>

#include "core/data/augment/warp.h"
#include "core/support/did_you_mean.h"
#include "core/support/error.h"

namespace fovea {
namespace {

constexpr double crop_part = 7.0 / 8;
constexpr std::int64_t most_views = 100;

// Corners from the upper left in reading order, then the centre.
void crop(const ImageBytes& image, std::int64_t which) {
  const double rest_y = static_cast<double>(image.height) * (1 - crop_part);
  const double rest_x = static_cast<double>(image.width) * (1 - crop_part);
  const double top = which == 4 ? rest_y / 2 : which / 2 == 0 ? 0 : rest_y;
  const double left = which == 4 ? rest_x / 2 : which % 2 == 0 ? 0 : rest_x;
  warp(image, {crop_part, 0, left, 0, crop_part, top, 0, 0}, Outside::edge);
}

}  // namespace

Views Views::parse(std::string_view text) {
  Views views;
  views.text_ = text;
  if (text == "flip") {
    views.kind_ = Kind::flip, views.count_ = 2;
  } else if (text == "five-crop") {
    views.kind_ = Kind::crops, views.count_ = 5;
  } else if (text == "ten-crop") {
    views.kind_ = Kind::crops_and_flips, views.count_ = 10;
  } else {
    const std::string_view prefix = "random:";
    require(text.starts_with(prefix), [&] {
      return fmt::format("views: expected flip, five-crop, ten-crop or random:N, got '{}'{}", text,
                         did_you_mean(text, {"flip", "five-crop", "ten-crop", "random:10"}));
    });
    const std::string_view number = text.substr(prefix.size());
    const auto [end, fault] = std::from_chars(number.data(), number.data() + number.size(), views.count_);
    require(
        fault == std::errc{} && end == number.data() + number.size() && views.count_ >= 1 && views.count_ <= most_views,
        [&] { return fmt::format("views: expected random:N with N from 1 to {}, got '{}'", most_views, text); });
    views.kind_ = Kind::random;
    views.random_ = Augmentation::parse("resized-crop:0.5,flip");
  }
  return views;
}

void Views::require_fits(const Shape& sample_shape) const {
  require(sample_shape.rank() == 3, [&] {
    return fmt::format("views '{}' are of images [C, H, W]; the samples are {}", text_, sample_shape.to_string());
  });
}

void Views::apply(std::int64_t view, std::uint64_t seed, std::int64_t sample, const Shape& s,
                  std::span<std::uint8_t> pixels, std::vector<std::uint8_t>& scratch) const {
  const ImageBytes image{s[0], s[1], s[2], pixels, scratch};
  switch (kind_) {
    case Kind::random:
      random_.apply(seed, view, sample, s, pixels, scratch);  // each view is an epoch of its own
      return;
    case Kind::flip:
      if (view == 1) mirror(image);
      return;
    case Kind::crops:
    case Kind::crops_and_flips:
      crop(image, view % 5);
      if (view >= 5) mirror(image);
      return;
  }
}

}  // namespace fovea
