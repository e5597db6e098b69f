// SPDX-License-Identifier: Apache-2.0
#include "core/data/synthetic.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "core/data/memory_dataset.h"
#include "core/data/spec_numbers.h"
#include "core/support/error.h"
#include "core/support/philox.h"

namespace fovea {
namespace {

constexpr int grid = 4;  // a pattern is a grid of values, stretched over the image
constexpr std::uint64_t pattern_seed = 1, sample_seed = 2;

class SyntheticDataset final : public Dataset {
 public:
  SyntheticDataset(Shape sample_shape, std::int64_t classes, std::int64_t first, std::int64_t samples)
      : sample_shape_(sample_shape), class_names_(numbered_classes(classes)), first_(first), samples_(samples) {}

  std::int64_t size() const override { return samples_; }
  Shape sample_shape() const override { return sample_shape_; }
  const std::vector<std::string>& class_names() const override { return class_names_; }

  std::int32_t read(std::int64_t index, std::span<std::uint8_t> pixels) const override {
    require(index >= 0 && index < samples_,
            [&] { return fmt::format("dataset: sample {} does not exist; there are {}", index, samples_); });
    require(static_cast<std::int64_t>(pixels.size()) == sample_shape_.elements(), [&] {
      return fmt::format("dataset: a sample has {} bytes, room was given for {}", sample_shape_.elements(),
                         pixels.size());
    });
    const std::int64_t label = index % classes(), C = sample_shape_[0], H = sample_shape_[1], W = sample_shape_[2];
    RandomStream random(sample_seed, RandomPurpose::synthetic_data, static_cast<std::uint64_t>(first_ + index));
    const int brightness = static_cast<int>(random.below(49)) - 24;
    std::size_t out = 0;
    std::uint32_t noise = 0;
    for (std::int64_t c = 0; c < C; ++c) {
      const Pattern pattern = class_pattern(label, c);
      for (std::int64_t h = 0; h < H; ++h) {
        for (std::int64_t w = 0; w < W; ++w, noise >>= 8) {
          if (out % 4 == 0) noise = random.next_u32();
          const int grain = (static_cast<int>(noise & 0xFF) - 128) / 3;
          const int value = pattern_at(pattern, h, H, w, W) + brightness + grain;
          pixels[out++] = static_cast<std::uint8_t>(std::clamp(value, 0, 255));
        }
      }
    }
    return static_cast<std::int32_t>(label);
  }

 private:
  using Pattern = std::array<std::array<int, grid + 1>, grid + 1>;

  Pattern class_pattern(std::int64_t label, std::int64_t channel) const {
    RandomStream random(pattern_seed, RandomPurpose::synthetic_data,
                        static_cast<std::uint64_t>(label * sample_shape_[0] + channel));
    Pattern pattern;
    for (auto& row : pattern) {
      for (int& value : row) value = 40 + static_cast<int>(random.below(176));
    }
    return pattern;
  }

  // Bilinear interpolation in 1/256 of a grid cell.
  static int pattern_at(const Pattern& pattern, std::int64_t h, std::int64_t H, std::int64_t w, std::int64_t W) {
    const std::int64_t y = h * grid * 256 / H, x = w * grid * 256 / W;
    const auto i = static_cast<std::size_t>(y / 256), j = static_cast<std::size_t>(x / 256);
    const int v = static_cast<int>(y % 256), u = static_cast<int>(x % 256);
    const int top = pattern[i][j] * (256 - u) + pattern[i][j + 1] * u;
    const int bottom = pattern[i + 1][j] * (256 - u) + pattern[i + 1][j + 1] * u;
    return (top * (256 - v) + bottom * v) / 65536;
  }

  Shape sample_shape_;
  std::vector<std::string> class_names_;
  std::int64_t first_, samples_;
};

constexpr std::int64_t max_extent = 4096, max_elements = std::int64_t{1} << 24, max_classes = 1000;

}  // namespace

DataSplits open_synthetic(std::string_view arguments) {
  SpecNumbers numbers("synthetic", arguments, "synthetic:CxHxW:CLASSES, e.g. synthetic:3x32x32:10");
  const std::int64_t C = numbers.next("C", 1, max_extent, 'x'), H = numbers.next("H", 1, max_extent, 'x');
  const std::int64_t W = numbers.next("W", 1, max_extent, ':'), classes = numbers.next("CLASSES", 2, max_classes, '\0');
  if (C * H * W > max_elements) {
    throw numbers.error(fmt::format("a sample has {} elements, more than {}", C * H * W, max_elements));
  }
  const Shape shape{C, H, W};
  DataSplits splits;
  splits.spec = fmt::format("synthetic:{}x{}x{}:{}", C, H, W, classes);
  splits.train = std::make_unique<SyntheticDataset>(shape, classes, 0, synthetic_train_samples);
  splits.test = std::make_unique<SyntheticDataset>(shape, classes, synthetic_train_samples, synthetic_test_samples);
  return splits;
}

}  // namespace fovea
