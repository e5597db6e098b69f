// SPDX-License-Identifier: Apache-2.0
//
// What colours pixels have: brightness, contrast, saturation, hue, and the colour noise of AlexNet.
#include <algorithm>
#include <cmath>
#include <limits>

#include "core/data/augment/lanes.h"
#include "core/data/augment/normal.h"
#include "core/data/augment/op.h"
#include "core/data/augment/passes.h"
#include "core/support/simd.h"

namespace fovea {
namespace {

// Lanes (lanes.h) do what they can of an image; the loops below do the rest, and all of it where there are none. They are
// written for compilers to run in lanes of 16-bit numbers.
constexpr int factor_one = 1 << factor_bits;

// other + factor * (value - other): beyond 1 it leads away from `other`. The upper half of a product of 16 bits, with one
// bit behind the point for rounding.
inline std::uint8_t blend(std::int16_t value, std::int16_t other, std::int16_t factor) {
  const auto distance = static_cast<std::int16_t>((value - other) * 128);
  const auto halves = static_cast<std::int16_t>((int{distance} * int{factor}) >> 16);
  const auto moved = static_cast<std::int16_t>(other + static_cast<std::int16_t>((halves + 1) >> 1));
  return static_cast<std::uint8_t>(std::clamp<std::int16_t>(moved, 0, 255));
}

// Not inlined: where `other` is known to be 0, GCC 12 falls back to products of 32 bits and is three times slower.
[[gnu::noinline]] void blend_rest(std::span<std::uint8_t> pixels, std::int16_t other, std::int16_t factor) {
  for (std::uint8_t& pixel : pixels) pixel = blend(pixel, other, factor);
}

void blend_all(std::span<std::uint8_t> pixels, std::int16_t other, std::int16_t factor) {
  blend_rest(pixels.subspan(lanes::blend(pixels.data(), pixels.size(), other, factor)), other, factor);
}

// Rec. 601 luma in 1/256.
inline std::uint16_t luma(std::uint8_t red, std::uint8_t green, std::uint8_t blue) {
  return static_cast<std::uint16_t>(static_cast<std::uint16_t>(77 * red + 150 * green + 29 * blue + 128) >> 8);
}

// The mean of luma, or of a grey image. Rows are added up by themselves, in numbers that fit into lanes.
std::int16_t mean_grey(const ImageBytes& image) {
  const auto area = static_cast<std::size_t>(image.area()), width = static_cast<std::size_t>(image.width);
  std::uint64_t sum = 0;
  const std::uint8_t *red = image.pixels.data(), *green = red + area, *blue = green + area;
  std::size_t begin = image.channels == 3 ? lanes::add_greys(red, green, blue, area, sum) : 0;
  while (begin < area) {
    const std::size_t end = std::min(begin + width, area);
    std::uint32_t of_row = 0;
    if (image.channels == 3) {
      for (std::size_t i = begin; i < end; ++i) of_row += luma(red[i], green[i], blue[i]);
    } else {
      for (std::size_t i = begin; i < end; ++i) of_row += red[i];
    }
    sum += of_row;
    begin = end;
  }
  return static_cast<std::int16_t>((sum + area / 2) / area);
}

constexpr int one = hue_sector;

// Turns the wheel of six sectors by `turn`, at most three of them either way; the largest and the smallest channel stay.
// In a sector one channel is the largest, one the smallest, and the third rises or falls between them: "hexcone",
// A. R. Smith, "Color gamut transform pairs", 1978. Written without branches, which no processor could foretell.
FOVEA_SIMD_CLONES
void turn_pixels(std::uint8_t* __restrict red, std::uint8_t* __restrict green, std::uint8_t* __restrict blue,
                 std::size_t begin, std::size_t end, int turn) {
  for (std::size_t i = begin; i < end; ++i) {
    const int r = red[i], g = green[i], b = blue[i];
    const int most = std::max(std::max(r, g), b), least = std::min(std::min(r, g), b), span = most - least;
    // From the channel that is largest the two others tell how far it is to the next one.
    const int largest = most == r ? 0 : most == g ? 2 : 4;
    const int difference = most == r ? g - b : most == g ? b - r : r - g;
    // Exact: the numerator has 24 bits, and no quotient is nearer to a whole number from below than half its last bit.
    const int part = static_cast<int>(static_cast<float>(difference * one) / static_cast<float>(std::max(span, 1)));
    int hue = largest * one + part + turn;
    hue += hue < 0 ? 6 * one : 0;
    hue -= hue >= 6 * one ? 6 * one : 0;
    const int sector = hue >> 16, way = ((hue & (one - 1)) * span + one / 2) >> 16;
    const int between = sector % 2 == 0 ? least + way : most - way;
    // A channel is the largest in two sectors, and the smallest in the two that lie opposite.
    const auto channel = [&](int behind) {
      const int at = sector + behind - (sector + behind >= 6 ? 6 : 0);
      return static_cast<std::uint8_t>(at >= 4 ? most : at == 0 || at == 3 ? between : least);
    };
    red[i] = channel(5);
    green[i] = channel(3);
    blue[i] = channel(1);
  }
}

// What brightness, contrast and saturation draw: a factor from 1 - S to 1 + S.
template <AugmentPass what>
class Factor final : public AugmentOp {
 public:
  explicit Factor(const AugmentNumbers& n) : strength_(n[0]) {}
  AugmentPass pass() const override { return what; }
  bool needs_rgb() const override { return what == AugmentPass::saturation; }
  void draw(const Shape&, RandomStream& random, std::span<std::int64_t> row) const override {
    const double factor = draw_real(random, std::max(0.0, 1 - strength_), 1 + strength_);
    row[0] = std::lround(factor * double{factor_one});
  }

 private:
  double strength_;
};
using Brightness = Factor<AugmentPass::brightness>;
using Contrast = Factor<AugmentPass::contrast>;
using Saturation = Factor<AugmentPass::saturation>;

class Hue final : public AugmentOp {
 public:
  explicit Hue(const AugmentNumbers& n) : strength_(n[0]) {}
  AugmentPass pass() const override { return AugmentPass::hue; }
  bool needs_rgb() const override { return true; }
  void draw(const Shape&, RandomStream& random, std::span<std::int64_t> row) const override {
    row[0] = std::lround(draw_real(random, -strength_, strength_) * 6 * one);
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
  AugmentPass pass() const override { return AugmentPass::offset; }
  bool needs_rgb() const override { return true; }
  void draw(const Shape&, RandomStream& random, std::span<std::int64_t> row) const override {
    double amount[3];
    for (int k = 0; k < 3; ++k) amount[k] = strength_ * spreads[k] * std::ldexp(draw_normal(random), -normal_bits);
    for (std::size_t c = 0; c < 3; ++c) {
      double sum = 0;
      for (int k = 0; k < 3; ++k) sum += axes[c][k] * amount[k];
      row[c] = std::clamp<std::int64_t>(std::llround(255 * sum), -255, 255);
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

void change_brightness(AugmentRow row, const ImageBytes& image) {
  blend_all(image.pixels, 0, static_cast<std::int16_t>(row[0]));
}

void change_contrast(AugmentRow row, const ImageBytes& image) {
  blend_all(image.pixels, mean_grey(image), static_cast<std::int16_t>(row[0]));
}

void change_saturation(AugmentRow row, const ImageBytes& image) {
  const auto factor = static_cast<std::int16_t>(row[0]);
  const auto area = static_cast<std::size_t>(image.area());
  std::uint8_t *red = image.pixels.data(), *green = red + area, *blue = green + area;
  for (std::size_t i = lanes::saturate(red, green, blue, area, factor); i < area; ++i) {
    const auto grey = static_cast<std::int16_t>(luma(red[i], green[i], blue[i]));
    red[i] = blend(red[i], grey, factor);
    green[i] = blend(green[i], grey, factor);
    blue[i] = blend(blue[i], grey, factor);
  }
}

void turn_hue(AugmentRow row, const ImageBytes& image) {
  const auto area = static_cast<std::size_t>(image.area());
  std::uint8_t *red = image.pixels.data(), *green = red + area, *blue = green + area;
  const auto turn = static_cast<int>(row[0]);
  turn_pixels(red, green, blue, lanes::turn_hues(red, green, blue, area, turn), area, turn);
}

void add_offset(AugmentRow row, const ImageBytes& image) {
  for (std::int64_t c = 0; c < 3; ++c) {
    const auto shift = static_cast<int>(row[static_cast<std::size_t>(c)]);
    for (std::uint8_t& pixel : image.plane(c)) pixel = static_cast<std::uint8_t>(std::clamp(pixel + shift, 0, 255));
  }
}

const std::vector<AugmentKind>& color_kinds() {
  static const std::vector<AugmentKind> kinds{
      {"brightness", "times a factor from 1 - S to 1 + S", {{"S", 0, 1, false, no_default}}, make_one<Brightness>},
      {"contrast",
       "away from or towards the image's mean grey, by a factor from 1 - S to 1 + S",
       {{"S", 0, 1, false, no_default}},
       make_one<Contrast>},
      {"saturation",
       "away from or towards each pixel's grey, by a factor from 1 - S to 1 + S",
       {{"S", 0, 1, false, no_default}},
       make_one<Saturation>},
      {"hue", "turned by up to S of the colour wheel", {{"S", 0, 0.5, false, no_default}}, make_one<Hue>},
      {"color",
       "brightness, contrast and saturation of S, then hue of HUE",
       {{"S", 0, 1, false, no_default}, {"HUE", 0, 0.5, false, 0}},
       make_color},
      {"pca",
       "AlexNet's colour noise: the principal components of ImageNet's colours, S standard deviations of them",
       {{"S", 0, 1, false, 0.1}},
       make_one<ColorNoise>},
  };
  return kinds;
}

}  // namespace fovea
