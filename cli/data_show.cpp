// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/data_command.h"
#include "core/data/augment/augmentation.h"
#include "core/io/image.h"
#include "core/support/error.h"

namespace fovea::cli {
namespace {

constexpr std::int64_t gap = 2, epochs_shown = 7, most_pixels = std::int64_t{1} << 26;

// White paper with places for pictures of one size.
class Grid {
 public:
  Grid(std::int64_t rows, std::int64_t columns, const Shape& sample)
      : sample_(sample),
        columns_(columns),
        paper_(Shape{sample[0], rows * (sample[1] + gap) + gap, columns * (sample[2] + gap) + gap}, DType::u8) {
    std::ranges::fill(paper_.span<std::uint8_t>(), std::uint8_t{255});
  }
  void put(std::int64_t place, std::span<const std::uint8_t> pixels) {
    const std::int64_t top = place / columns_ * (sample_[1] + gap) + gap, W = paper_.shape()[2];
    const std::int64_t left = place % columns_ * (sample_[2] + gap) + gap;
    const std::uint8_t* in = pixels.data();
    for (std::int64_t c = 0; c < sample_[0]; ++c) {
      for (std::int64_t h = 0; h < sample_[1]; ++h, in += sample_[2]) {
        std::copy_n(in, sample_[2], paper_.span<std::uint8_t>().data() + (c * paper_.shape()[1] + top + h) * W + left);
      }
    }
  }
  const Tensor& paper() const { return paper_; }

 private:
  Shape sample_;
  std::int64_t columns_;
  Tensor paper_;
};

// One sample, augmented and mixed, as the loader makes it for a training with the same seed.
struct MixedSample {
  Augmentation::Mix mix = {};
  std::int32_t partner_label = 0;
  MixShare share = {};
};
MixedSample mix_sample(const Augmentation& augmentation, const Dataset& data, std::uint64_t seed, std::int64_t epoch,
                       std::int64_t index, std::span<std::uint8_t> pixels) {
  const Shape shape = data.sample_shape();
  std::vector<std::uint8_t> other(pixels.size()), scratch;
  MixedSample mixed{.mix = augmentation.draw_mix(seed, epoch, index, shape, data.size())};
  mixed.partner_label = data.read(mixed.mix.partner, other);
  augmentation.apply(seed, epoch, mixed.mix.partner, shape, other, scratch);
  mix_images(mixed.mix.row, other, {shape[0], shape[1], shape[2], pixels, scratch});
  mixed.share = partner_share(mixed.mix.row, shape);
  return mixed;
}

}  // namespace

int show_data_command(const DataCommandOptions& o, const DataSplits& splits, Output& out) {
  require(!o.out.empty(), [] { return "--out: expected the file of the picture, e.g. --out grid.png"; });
  const std::string split = o.split.empty() ? "train" : o.split;
  const Dataset& data = split == "test" ? *splits.test : *splits.train;
  const Shape shape = data.sample_shape();
  require(shape.rank() == 3 && (shape[0] == 1 || shape[0] == 3), [&] {
    return fmt::format("data '{}': only grey and RGB images can be shown, the samples are {}", splits.spec,
                       shape.to_string());
  });
  const Augmentation augmentation = o.augment.empty() ? Augmentation() : Augmentation::parse(o.augment);
  augmentation.require_fits(shape);
  const bool augmented = !augmentation.empty();
  require(!augmentation.mixes() || data.label_shape().rank() == 0, [&] {
    return fmt::format("augmentation '{}' is for data with one label for each image, not for each position",
                       augmentation.text());
  });
  const std::int64_t count = std::min(o.count.value_or(augmented ? 8 : 64), data.size());
  std::int64_t columns = augmented ? 1 + epochs_shown : 1;
  while (!augmented && columns * columns < count) ++columns;
  const std::int64_t rows = augmented ? count : (count + columns - 1) / columns;
  require(rows * (shape[1] + gap) <= most_pixels / (columns * (shape[2] + gap)), [&] {
    return fmt::format("--count: {} samples of {} make a picture of more than {} pixels", count, shape.to_string(),
                       most_pixels);
  });

  // Drawn by lot: the split may be sorted by class, or have its classes by turns.
  const auto seed = static_cast<std::uint64_t>(o.seed.value_or(1));
  std::vector<std::int64_t> indices = epoch_order(data.size(), seed, 0);
  indices.resize(static_cast<std::size_t>(count));
  std::ranges::sort(indices);

  Grid grid(rows, columns, shape);
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(shape.elements())), changed, scratch;
  std::vector<std::int32_t> labels(static_cast<std::size_t>(data.label_shape().elements()));
  Json samples = Json::array();
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t index = indices[static_cast<std::size_t>(i)];
    data.read_labels(index, pixels, labels);
    const Json name = labels.size() == 1 ? Json(data.class_names()[static_cast<std::size_t>(labels[0])]) : Json();
    samples.push_back({{"index", index}, {"class", name}});
    if (augmentation.mixes()) samples.back()["mixed"] = Json::array();
    if (!augmented) {
      grid.put(i, pixels);
      continue;
    }
    grid.put(i * columns, pixels);
    for (std::int64_t epoch = 0; epoch < epochs_shown; ++epoch) {
      changed = pixels;
      augmentation.apply(seed, epoch, index, shape, changed, scratch);
      if (augmentation.mixes()) {
        const MixedSample mixed = mix_sample(augmentation, data, seed, epoch, index, changed);
        const std::string& partner = data.class_names()[static_cast<std::size_t>(mixed.partner_label)];
        samples.back()["mixed"].push_back(
            {{"with", mixed.mix.partner},
             {"class", partner},
             {"share", static_cast<double>(mixed.share.part) / static_cast<double>(mixed.share.whole)}});
      }
      grid.put(i * columns + 1 + epoch, changed);
    }
  }
  write_png(o.out, grid.paper());
  for (std::int64_t row = 0; row < rows; ++row) {
    std::string line;
    for (std::int64_t i = augmented ? row : row * columns;
         i < (augmented ? row + 1 : std::min(count, (row + 1) * columns)); ++i) {
      const Json& name = samples[static_cast<std::size_t>(i)]["class"];
      if (name.is_string()) line += (line.empty() ? "" : "  ") + name.get<std::string>();
      const Json& sample = samples[static_cast<std::size_t>(i)];
      if (!sample.contains("mixed")) continue;
      for (const Json& mixed : sample["mixed"])
        line += fmt::format("  + {:.0f} % {}", 100 * mixed["share"].get<double>(), mixed["class"].get<std::string>());
    }
    if (!line.empty()) out.say(fmt::format("row {}: {}", row + 1, line));
  }
  out.result(fmt::format("{}: {} samples of {} ({}), {} rows of {}", o.out, count, splits.spec, split, rows, columns));
  out.object({{"out", o.out},
              {"data", splits.spec},
              {"split", split},
              {"rows", rows},
              {"columns", columns},
              {"augment", augmented ? Json(augmentation.text()) : Json()},
              {"samples", std::move(samples)}});
  return 0;
}

}  // namespace fovea::cli
