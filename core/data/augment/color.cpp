// SPDX-License-Identifier: Apache-2.0
//
// What colours pixels have: brightness, contrast, saturation, hue, and the colour noise of AlexNet.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "core/data/augment/normal.h"
#include "core/data/augment/op.h"

namespace fovea {
namespace {

constexpr double required = std::numeric_limits<double>::quiet_NaN();
constexpr std::int64_t one = 65536;  // factors are in 1/65536

std::int64_t draw_factor(RandomStream& random, double strength) {
  return std::llround(draw(random, std::max(0.0, 1 - strength), 1 + strength) * one);
}

// The part `factor` of `value` and the rest of `other`; beyond 1 it leads away from `other`.
std::uint8_t blend(std::int64_t value, std::int64_t other, std::int64_t factor) {
  return to_byte((value * factor + other * (one - factor) + one / 2) >> 16);
}

// Rec. 601 luma, or the value of a grey image.
std::int64_t luma_at(const ImageBytes& image, std::size_t i) {
  if (image.channels != 3) return image.pixels[i];
  const auto area = static_cast<std::size_t>(image.area());
  return (299 * image.pixels[i] + 587 * image.pixels[area + i] + 114 * image.pixels[2 * area + i] + 500) / 1000;
}

class Brightness final : public AugmentOp {
 public:
  explicit Brightness(const AugmentNumbers& n) : strength_(n[0]) {}
  void apply(const ImageBytes& image, RandomStream& random) const override {
    const std::int64_t factor = draw_factor(random, strength_);
    for (std::uint8_t& pixel : image.pixels) pixel = blend(pixel, 0, factor);
  }

 private:
  double strength_;
};

class Contrast final : public AugmentOp {
 public:
  explicit Contrast(const AugmentNumbers& n) : strength_(n[0]) {}
  void apply(const ImageBytes& image, RandomStream& random) const override {
    const std::int64_t factor = draw_factor(random, strength_);
    std::int64_t sum = 0;
    for (std::size_t i = 0; i < static_cast<std::size_t>(image.area()); ++i) sum += luma_at(image, i);
    const std::int64_t mean = (sum + image.area() / 2) / image.area();
    for (std::uint8_t& pixel : image.pixels) pixel = blend(pixel, mean, factor);
  }

 private:
  double strength_;
};

class Saturation final : public AugmentOp {
 public:
  explicit Saturation(const AugmentNumbers& n) : strength_(n[0]) {}
  bool needs_rgb() const override { return true; }
  void apply(const ImageBytes& image, RandomStream& random) const override {
    const std::int64_t factor = draw_factor(random, strength_);
    const auto area = static_cast<std::size_t>(image.area());
    for (std::size_t i = 0; i < area; ++i) {
      const std::int64_t grey = luma_at(image, i);
      for (std::size_t c = 0; c < 3; ++c) {
        std::uint8_t& pixel = image.pixels[c * area + i];
        pixel = blend(pixel, grey, factor);
      }
    }
  }

 private:
  double strength_;
};

// Turns the colour wheel of six sectors by `turn`, in 1/65536 of a sector; the largest and the smallest channel stay.
void turn_hue(std::array<std::uint8_t*, 3> rgb, std::int64_t turn) {
  const std::int64_t r = *rgb[0], g = *rgb[1], b = *rgb[2];
  const std::int64_t most = std::max({r, g, b}), least = std::min({r, g, b}), span = most - least;
  if (span == 0) return;
  // From the channel that is largest the two others tell how far it is to the next one.
  std::int64_t sector = 0, difference = g - b;
  if (most == g && most != r) sector = 2, difference = b - r;
  if (most == b && most != r && most != g) sector = 4, difference = r - g;
  const std::int64_t hue = ((sector * one + difference * one / span + turn) % (6 * one) + 6 * one) % (6 * one);
  const std::int64_t part = ((hue % one) * span + one / 2) >> 16;
  const std::int64_t up = least + part, down = most - part;
  const std::int64_t wheel[6][3] = {{most, up, least},   {down, most, least}, {least, most, up},
                                    {least, down, most}, {up, least, most},   {most, least, down}};
  for (std::size_t c = 0; c < 3; ++c) *rgb[c] = static_cast<std::uint8_t>(wheel[hue / one][c]);
}

class Hue final : public AugmentOp {
 public:
  explicit Hue(const AugmentNumbers& n) : strength_(n[0]) {}
  bool needs_rgb() const override { return true; }
  void apply(const ImageBytes& image, RandomStream& random) const override {
    const std::int64_t turn = std::llround(draw(random, -strength_, strength_) * 6 * one);
    const std::int64_t area = image.area();
    std::uint8_t* red = image.pixels.data();
    for (std::int64_t i = 0; i < area; ++i, ++red) turn_hue({red, red + area, red + 2 * area}, turn);
  }

 private:
  double strength_;
};

// A. Krizhevsky, I. Sutskever, G. Hinton, "ImageNet classification with deep convolutional neural networks", 2012,
// section 4.1: multiples of the principal components of ImageNet's colours are added. Their components and deviations, of
// pixels from 0 to 1, are those that the reproductions of the paper share.
constexpr double axes[3][3] = {{-0.5675, 0.7192, 0.4009}, {-0.5808, -0.0045, -0.8140}, {-0.5836, -0.6948, 0.4203}};
constexpr double spreads[3] = {0.2175, 0.0188, 0.0045};

class ColorNoise final : public AugmentOp {
 public:
  explicit ColorNoise(const AugmentNumbers& n) : strength_(n[0]) {}
  bool needs_rgb() const override { return true; }
  void apply(const ImageBytes& image, RandomStream& random) const override {
    double amount[3];
    for (int k = 0; k < 3; ++k) amount[k] = strength_ * spreads[k] * std::ldexp(draw_normal(random), -normal_bits);
    for (std::int64_t c = 0; c < 3; ++c) {
      double sum = 0;
      for (int k = 0; k < 3; ++k) sum += axes[c][k] * amount[k];
      const std::int64_t added = std::llround(255 * sum);
      for (std::uint8_t& pixel : image.plane(c)) pixel = to_byte(pixel + added);
    }
  }

 private:
  double strength_;
};

std::vector<std::unique_ptr<AugmentOp>> make_color(const AugmentNumbers& n) {
  std::vector<std::unique_ptr<AugmentOp>> ops;
  ops.push_back(std::make_unique<Brightness>(n));
  ops.push_back(std::make_unique<Contrast>(n));
  ops.push_back(std::make_unique<Saturation>(n));
  if (n[1] > 0) ops.push_back(std::make_unique<Hue>(AugmentNumbers{n[1]}));
  return ops;
}

}  // namespace

const std::vector<AugmentKind>& color_kinds() {
  static const std::vector<AugmentKind> kinds{
      {"brightness", "times a factor from 1 - S to 1 + S", {{"S", 0, 1, false, required}}, make_one<Brightness>},
      {"contrast",
       "away from or towards the image's mean grey, by a factor from 1 - S to 1 + S",
       {{"S", 0, 1, false, required}},
       make_one<Contrast>},
      {"saturation",
       "away from or towards each pixel's grey, by a factor from 1 - S to 1 + S",
       {{"S", 0, 1, false, required}},
       make_one<Saturation>},
      {"hue", "turned by up to S of the colour wheel", {{"S", 0, 0.5, false, required}}, make_one<Hue>},
      {"color",
       "brightness, contrast and saturation of S, then hue of HUE",
       {{"S", 0, 1, false, required}, {"HUE", 0, 0.5, false, 0}},
       make_color},
      {"pca",
       "AlexNet's colour noise: the principal components of ImageNet's colours, S standard deviations of them",
       {{"S", 0, 1, false, 0.1}},
       make_one<ColorNoise>},
  };
  return kinds;
}

}  // namespace fovea
