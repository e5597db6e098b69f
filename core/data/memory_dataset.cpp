// SPDX-License-Identifier: Apache-2.0
#include "core/data/memory_dataset.h"

#include <fmt/core.h>

#include <algorithm>

#include "core/support/error.h"
#include "core/support/parallel.h"

namespace fovea {

MemoryDataset::MemoryDataset(Shape sample_shape, std::vector<std::string> class_names, std::vector<std::uint8_t> pixels,
                             std::vector<std::int32_t> labels)
    : sample_shape_(sample_shape),
      class_names_(std::move(class_names)),
      pixels_(std::move(pixels)),
      labels_(std::move(labels)) {
  require(sample_shape_.rank() == 2 || sample_shape_.rank() == 3, [&] {
    return fmt::format("dataset: expected samples [C, H, W] or [C, L], got {}", sample_shape_.to_string());
  });
  require(!labels_.empty(), [] { return "dataset: expected at least one sample, got none"; });
  require(sample_shape_.elements() > 0 && pixels_.size() % labels_.size() == 0 &&
              pixels_.size() / labels_.size() == static_cast<std::size_t>(sample_shape_.elements()),
          [&] {
            return fmt::format("dataset: {} samples of {} bytes each do not fit {} pixel bytes", labels_.size(),
                               sample_shape_.elements(), pixels_.size());
          });
  for (std::size_t i = 0; i < labels_.size(); ++i) {
    require(labels_[i] >= 0 && labels_[i] < classes(),
            [&] { return fmt::format("label {} of sample {}: expected a class below {}", labels_[i], i, classes()); });
  }
}

std::int32_t MemoryDataset::read(std::int64_t index, std::span<std::uint8_t> pixels) const {
  const auto bytes = static_cast<std::size_t>(sample_shape_.elements());
  require(index >= 0 && index < size(),
          [&] { return fmt::format("dataset: sample {} does not exist; there are {}", index, size()); });
  require(pixels.size() == bytes,
          [&] { return fmt::format("dataset: a sample has {} bytes, room was given for {}", bytes, pixels.size()); });
  const auto i = static_cast<std::size_t>(index);
  std::copy_n(pixels_.data() + i * bytes, bytes, pixels.data());
  return labels_[i];
}

std::int32_t MemoryDataset::label(std::int64_t index) const {
  require(index >= 0 && index < size(),
          [&] { return fmt::format("dataset: sample {} does not exist; there are {}", index, size()); });
  return labels_[static_cast<std::size_t>(index)];
}

std::unique_ptr<Dataset> generate_dataset(
    Shape sample_shape, std::vector<std::string> class_names, std::int64_t samples,
    const std::function<std::int32_t(std::int64_t index, std::span<std::uint8_t> pixels)>& generate) {
  const auto bytes = static_cast<std::size_t>(sample_shape.elements());
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(samples) * bytes);
  std::vector<std::int32_t> labels(static_cast<std::size_t>(samples));
  parallel_for(samples, [&](std::int64_t index) {
    const auto i = static_cast<std::size_t>(index);
    labels[i] = generate(index, std::span(pixels).subspan(i * bytes, bytes));
  });
  return std::make_unique<MemoryDataset>(sample_shape, std::move(class_names), std::move(pixels), std::move(labels));
}

std::vector<std::string> numbered_classes(std::int64_t classes) {
  std::vector<std::string> names;
  for (std::int64_t c = 0; c < classes; ++c) names.push_back(std::to_string(c));
  return names;
}

}  // namespace fovea
