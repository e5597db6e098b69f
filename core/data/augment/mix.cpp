// SPDX-License-Identifier: Apache-2.0
#include "core/data/augment/mix.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace fovea {
namespace {

// In (0, 1), never at an end: the middle of one of 2^32 equal parts.
double open_uniform(RandomStream& random) { return (random.next_u32() + 0.5) * 0x1p-32; }

// Box and Muller.
double normal_number(RandomStream& random) {
  const double radius = std::sqrt(-2 * std::log(open_uniform(random)));
  return radius * std::cos(2 * std::numbers::pi * open_uniform(random));
}

// The logarithm of a variable of Gamma(alpha, 1), by Marsaglia and Tsang.
double log_gamma_number(RandomStream& random, double alpha) {
  if (alpha < 1) {
    const double larger = log_gamma_number(random, alpha + 1);
    return larger + std::log(open_uniform(random)) / alpha;
  }
  const double d = alpha - 1.0 / 3, c = 1 / std::sqrt(9 * d);
  for (;;) {
    const double x = normal_number(random), root = 1 + c * x;
    if (root <= 0) continue;
    const double log_v = 3 * std::log(root), v = root * root * root;
    if (std::log(open_uniform(random)) < x * x / 2 + d * (1 - v + log_v)) return std::log(d) + log_v;
  }
}

constexpr int parts = 256;  // of a pixel's value

}  // namespace

double draw_beta(RandomStream& random, double alpha) {
  const double x = log_gamma_number(random, alpha), y = log_gamma_number(random, alpha);
  return 1 / (1 + std::exp(y - x));
}

MixRow draw_mix_row(MixKind kind, double alpha, const Shape& sample, RandomStream& random) {
  const std::int64_t height = sample[1], width = sample[2];
  const double lambda = draw_beta(random, alpha);
  if (kind == MixKind::mixup) return {std::llround(lambda * parts), 0, height, 0, width};
  const double side = std::sqrt(1 - lambda);
  const auto range = [&](std::int64_t extent) {
    const auto length = std::llround(static_cast<double>(extent) * side);
    const std::int64_t begin = random.below(static_cast<std::uint32_t>(extent)) - length / 2;
    return std::array{std::max<std::int64_t>(begin, 0), std::min<std::int64_t>(begin + length, extent)};
  };
  const auto rows = range(height), columns = range(width);
  return {0, rows[0], rows[1], columns[0], columns[1]};
}

void mix_images(AugmentRow row, std::span<const std::uint8_t> other, const ImageBytes& image) {
  // Sums of 16 bits: 255 * 256 + 128 is the largest.
  const auto own = static_cast<std::uint16_t>(row[0]), others = static_cast<std::uint16_t>(parts - row[0]);
  for (std::int64_t c = 0; c < image.channels; ++c) {
    for (std::int64_t h = row[1]; h < row[2]; ++h) {
      const std::int64_t line = c * image.area() + h * image.width;
      std::uint8_t* __restrict a = image.pixels.data() + line;
      const std::uint8_t* __restrict b = other.data() + line;
      for (std::int64_t w = row[3]; w < row[4]; ++w) {
        a[w] = static_cast<std::uint8_t>(static_cast<std::uint16_t>(own * a[w] + others * b[w] + parts / 2) >> 8);
      }
    }
  }
}

MixShare partner_share(AugmentRow row, const Shape& sample) {
  return {(parts - row[0]) * (row[2] - row[1]) * (row[4] - row[3]), parts * sample[1] * sample[2]};
}

void mix_targets(const MixShare& partners, std::int32_t label, std::int32_t partner_label, std::span<float> targets) {
  const auto share = [&](std::int64_t part) {
    return static_cast<float>(static_cast<double>(part) / static_cast<double>(partners.whole));
  };
  std::ranges::fill(targets, 0.0f);
  targets[static_cast<std::size_t>(partner_label)] = share(partners.part);
  targets[static_cast<std::size_t>(label)] = label == partner_label ? 1.0f : share(partners.whole - partners.part);
}

MixKind mix_kind(std::string_view name) { return name == "mixup" ? MixKind::mixup : MixKind::cutmix; }

const std::vector<AugmentKind>& mix_kinds() {
  static const std::vector<AugmentKind> kinds{
      {"mixup",
       "lambda of the image and its label, 1 - lambda of another's; lambda of Beta(ALPHA, ALPHA)",
       {{"ALPHA", 0.01, 100, false, no_default}},
       nullptr},
      {"cutmix",
       "a rectangle of 1 - lambda of the image is another's, and so is that part of the label",
       {{"ALPHA", 0.01, 100, false, no_default}},
       nullptr},
  };
  return kinds;
}

}  // namespace fovea
