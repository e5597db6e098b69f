// SPDX-License-Identifier: Apache-2.0
//
// What single pixels are: Gaussian blur, Gaussian noise, cutout.
#include <algorithm>
#include <cmath>
#include <limits>

#include "core/data/augment/normal.h"
#include "core/data/augment/op.h"
#include "core/data/augment/passes.h"

namespace fovea {
namespace {

std::int64_t radius_of(double sigma) { return static_cast<std::int64_t>(std::ceil(3 * sigma)); }

// A Gaussian's weights at -radius ... radius, in 1/32768, that add up to 32768 exactly.
std::vector<std::uint16_t> gaussian(double sigma) {
  const std::int64_t radius = radius_of(sigma);
  std::vector<double> exact;
  double sum = 0;
  for (std::int64_t k = -radius; k <= radius; ++k) {
    const double z = k == 0 ? 0 : static_cast<double>(k) / sigma;
    exact.push_back(std::exp(-z * z / 2));
    sum += exact.back();
  }
  std::vector<std::uint16_t> weights;
  std::int64_t rest = 32768;
  for (const double e : exact) {
    weights.push_back(static_cast<std::uint16_t>(std::lround(e / sum * 32768)));
    rest -= weights.back();
  }
  std::uint16_t& middle = weights[static_cast<std::size_t>(radius)];
  middle = static_cast<std::uint16_t>(middle + rest);
  return weights;
}

// Row by row, then column by column; between them in 1/256. The edge is repeated. The inner loops go along rows, with
// products of 16 bits, which compilers run in lanes.
void blur_plane(std::span<std::uint8_t> plane, std::int64_t height, std::int64_t width,
                const std::vector<std::uint16_t>& weights) {
  const auto radius = static_cast<std::int64_t>(weights.size() / 2);
  const auto row_size = static_cast<std::size_t>(width);
  std::vector<std::uint16_t> rows(plane.size()), padded(static_cast<std::size_t>(width + 2 * radius));
  std::vector<std::uint32_t> sums(row_size);
  const auto add = [&](const std::uint16_t* __restrict in, std::uint16_t weight, std::uint32_t* __restrict out) {
    for (std::size_t w = 0; w < row_size; ++w) out[w] += std::uint32_t{in[w]} * std::uint32_t{weight};
  };
  for (std::int64_t h = 0; h < height; ++h) {
    const std::uint8_t* in = plane.data() + h * width;
    for (std::int64_t w = -radius; w < width + radius; ++w) {
      padded[static_cast<std::size_t>(w + radius)] = in[std::clamp<std::int64_t>(w, 0, width - 1)];
    }
    std::ranges::fill(sums, 64u);
    for (std::size_t k = 0; k < weights.size(); ++k) add(padded.data() + k, weights[k], sums.data());
    for (std::size_t w = 0; w < row_size; ++w) {
      rows[static_cast<std::size_t>(h) * row_size + w] = static_cast<std::uint16_t>(sums[w] >> 7);
    }
  }
  for (std::int64_t h = 0; h < height; ++h) {
    std::ranges::fill(sums, 1u << 22);
    for (std::size_t k = 0; k < weights.size(); ++k) {
      const std::int64_t from = std::clamp<std::int64_t>(h + static_cast<std::int64_t>(k) - radius, 0, height - 1);
      add(rows.data() + from * width, weights[k], sums.data());
    }
    for (std::size_t w = 0; w < row_size; ++w) {
      plane[static_cast<std::size_t>(h) * row_size + w] = static_cast<std::uint8_t>(sums[w] >> 23);
    }
  }
}

class Blur final : public AugmentOp {
 public:
  explicit Blur(const AugmentNumbers& n) : sigma_(n[0]), radius_(radius_of(sigma_)) {}
  AugmentPass pass() const override { return AugmentPass::blur; }
  std::int64_t numbers() const override { return augment_numbers(pass(), radius_); }
  // Samples draw radii of their own; the weights beyond are 0.
  void draw(const Shape&, RandomStream& random, std::span<std::int64_t> row) const override {
    const std::vector<std::uint16_t> weights = gaussian(draw_real(random, 0, sigma_));
    std::ranges::fill(row, 0);
    std::ranges::copy(weights, row.begin() + static_cast<std::ptrdiff_t>((row.size() - weights.size()) / 2));
  }

 private:
  double sigma_;
  std::int64_t radius_;
};

class Noise final : public AugmentOp {
 public:
  explicit Noise(const AugmentNumbers& n) : sigma_(std::lround(n[0] * 255 * 256)) {}
  AugmentPass pass() const override { return AugmentPass::noise; }
  // Every element takes numbers of its own from the stream: a row only says which stream it is.
  void draw(const Shape&, RandomStream& random, std::span<std::int64_t> row) const override {
    row[0] = static_cast<std::int64_t>(random.key());
    row[1] = static_cast<std::int64_t>(random.counter_high());
    row[2] = sigma_;
  }

 private:
  std::int64_t sigma_;  // in 1/256 of a pixel value
};

class Cutout final : public AugmentOp {
 public:
  explicit Cutout(const AugmentNumbers& n) : side_(static_cast<std::int64_t>(n[0])) {}
  AugmentPass pass() const override { return AugmentPass::cutout; }
  void draw(const Shape& sample, RandomStream& random, std::span<std::int64_t> row) const override {
    const std::int64_t height = sample[1], width = sample[2];
    const auto centre = [&](std::int64_t extent) {
      return static_cast<std::int64_t>(random.below(static_cast<std::uint32_t>(extent)));
    };
    const std::int64_t top = centre(height) - side_ / 2, left = centre(width) - side_ / 2;
    row[0] = std::max<std::int64_t>(top, 0), row[1] = std::min(top + side_, height);
    row[2] = std::max<std::int64_t>(left, 0), row[3] = std::min(left + side_, width);
  }

 private:
  std::int64_t side_;
};

}  // namespace

void blur_image(AugmentRow row, const ImageBytes& image) {
  // What weighs nothing is left out. Alone the middle changes nothing.
  while (row.size() > 1 && row.front() == 0 && row.back() == 0) row = row.subspan(1, row.size() - 2);
  if (row.size() == 1) return;
  std::vector<std::uint16_t> weights;
  for (const std::int64_t weight : row) weights.push_back(static_cast<std::uint16_t>(weight));
  for (std::int64_t c = 0; c < image.channels; ++c) blur_plane(image.plane(c), image.height, image.width, weights);
}

void add_noise(AugmentRow row, std::span<const std::int32_t> normal, const ImageBytes& image) {
  const auto key = static_cast<std::uint64_t>(row[0]), counter = static_cast<std::uint64_t>(row[1]);
  const std::int64_t sigma = row[2];
  if (sigma == 0) return;
  const std::size_t size = image.pixels.size();
  for (std::size_t first = 0; first < size; first += 8) {
    const Philox::Block words = Philox::block(key, counter, first / 8);
    for (std::size_t i = first; i < std::min(first + 8, size); ++i) {
      const std::uint32_t word = words[(i - first) / 2], slice = i % 2 == 0 ? word >> 20 : word >> 8 & 4095;
      const std::int64_t added = (normal[slice] * sigma + (std::int64_t{1} << (normal_bits + 7))) >> (normal_bits + 8);
      image.pixels[i] = to_byte(image.pixels[i] + added);
    }
  }
}

void cut_out(AugmentRow row, const ImageBytes& image) {
  for (std::int64_t c = 0; c < image.channels; ++c) {
    const std::span<std::uint8_t> plane = image.plane(c);
    std::int64_t sum = 0;
    for (const std::uint8_t pixel : plane) sum += pixel;
    const auto mean = static_cast<std::uint8_t>((sum + image.area() / 2) / image.area());
    for (std::int64_t h = row[0]; h < row[1]; ++h) {
      for (std::int64_t w = row[2]; w < row[3]; ++w) plane[static_cast<std::size_t>(h * image.width + w)] = mean;
    }
  }
}

const std::vector<AugmentKind>& pixel_kinds() {
  static const std::vector<AugmentKind> kinds{
      {"blur", "Gaussian blur of a deviation from 0 to S pixels", {{"S", 0, 20, false, no_default}}, make_one<Blur>},
      {"noise", "Gaussian noise of deviation S, where 1 is white", {{"S", 0, 1, false, no_default}}, make_one<Noise>},
      {"cutout",
       "a square of N pixels around a random one gets the mean of its channel",
       {{"N", 0, 4096, true, no_default}},
       make_one<Cutout>},
  };
  return kinds;
}

}  // namespace fovea
