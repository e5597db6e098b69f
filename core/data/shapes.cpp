// SPDX-License-Identifier: Apache-2.0
#include "core/data/shapes.h"

#include <fmt/core.h>

#include <algorithm>

#include "core/data/spec_numbers.h"
#include "core/support/error.h"
#include "core/support/philox.h"

namespace fovea {
namespace {

constexpr std::uint64_t shapes_seed = 3;
constexpr std::int64_t smallest = 8, largest = 1024;
enum : std::int32_t { background, circle, square, triangle };

struct Figure {
  std::int32_t kind;
  std::int64_t h, w, radius;  // of the circle; the others have about the same area
  bool upside_down;
  int brightness;

  bool covers(std::int64_t row, std::int64_t column) const {
    const std::int64_t dh = upside_down ? h - row : row - h, dw = column - w;
    switch (kind) {
      case circle:
        return dh * dh + dw * dw <= radius * radius;
      case square: {
        const std::int64_t half = (radius * 7 + 4) / 8;
        return std::max(dh * dh, dw * dw) <= half * half;
      }
      default:  // the apex at -radius, the base, 5/2 radius wide, at +radius
        return dh >= -radius && dh <= radius && 8 * std::max(dw, -dw) <= 5 * (dh + radius);
    }
  }
};

class ShapesDataset final : public Dataset {
 public:
  ShapesDataset(std::int64_t H, std::int64_t W, std::int64_t first, std::int64_t samples)
      : sample_shape_{1, H, W}, first_(first), samples_(samples) {}

  std::int64_t size() const override { return samples_; }
  Shape sample_shape() const override { return sample_shape_; }
  Shape label_shape() const override { return {sample_shape_[1], sample_shape_[2]}; }
  const std::vector<std::string>& class_names() const override {
    static const std::vector<std::string> names{"background", "circle", "square", "triangle"};
    return names;
  }

  std::int32_t read(std::int64_t index, std::span<std::uint8_t> pixels) const override {
    std::vector<std::int32_t> labels(pixels.size());
    read_labels(index, pixels, labels);
    return 0;
  }

  void read_labels(std::int64_t index, std::span<std::uint8_t> pixels, std::span<std::int32_t> labels) const override {
    require(index >= 0 && index < samples_,
            [&] { return fmt::format("dataset: sample {} does not exist; there are {}", index, samples_); });
    const auto elements = static_cast<std::size_t>(sample_shape_.elements());
    require(pixels.size() == elements && labels.size() == elements, [&] {
      return fmt::format("dataset: a sample has {} bytes and labels, room was given for {} and {}", elements,
                         pixels.size(), labels.size());
    });
    RandomStream random(shapes_seed, RandomPurpose::synthetic_data, static_cast<std::uint64_t>(first_ + index));
    const std::int64_t H = sample_shape_[1], W = sample_shape_[2];
    const auto grain = [&] { return static_cast<int>(random.below(65)) - 32; };
    const int paper = 48 + static_cast<int>(random.below(48));
    for (std::uint8_t& pixel : pixels) pixel = static_cast<std::uint8_t>(paper + grain());
    std::ranges::fill(labels, background);
    for (std::uint32_t figures = 1 + random.below(2); figures > 0; --figures) {
      const Figure figure = draw(random, paper);
      for (std::int64_t h = 0; h < H; ++h) {
        for (std::int64_t w = 0; w < W; ++w) {
          if (!figure.covers(h, w)) continue;
          const auto i = static_cast<std::size_t>(h * W + w);
          pixels[i] = static_cast<std::uint8_t>(std::clamp(figure.brightness + grain(), 0, 255));
          labels[i] = figure.kind;
        }
      }
    }
  }

 private:
  Figure draw(RandomStream& random, int paper) const {
    const std::int64_t H = sample_shape_[1], W = sample_shape_[2], extent = std::min(H, W);
    const auto below = [&](std::int64_t bound) {
      return static_cast<std::int64_t>(random.below(static_cast<std::uint32_t>(bound)));
    };
    Figure figure{};
    figure.kind = static_cast<std::int32_t>(1 + below(3));
    figure.radius = extent / 6 + 1 + below(extent / 12 + 1);
    figure.h = figure.radius + below(H - 2 * figure.radius);
    figure.w = figure.radius + below(W - 2 * figure.radius);
    figure.upside_down = below(2) == 1;
    figure.brightness = paper + 64 + static_cast<int>(below(64));
    return figure;
  }

  Shape sample_shape_;
  std::int64_t first_, samples_;
};

}  // namespace

DataSplits open_shapes(std::string_view arguments) {
  SpecNumbers numbers("shapes", arguments, "shapes:HxW, e.g. shapes:32x32");
  const std::int64_t H = numbers.next("H", smallest, largest, 'x'), W = numbers.next("W", smallest, largest, '\0');
  DataSplits splits;
  splits.spec = fmt::format("shapes:{}x{}", H, W);
  splits.train = std::make_unique<ShapesDataset>(H, W, 0, shapes_train_samples);
  splits.test = std::make_unique<ShapesDataset>(H, W, shapes_train_samples, shapes_test_samples);
  return splits;
}

}  // namespace fovea
