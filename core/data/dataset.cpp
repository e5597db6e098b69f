// SPDX-License-Identifier: Apache-2.0
#include "core/data/dataset.h"

#include <fmt/core.h>

#include <limits>

#include "core/support/error.h"
#include "core/support/philox.h"

namespace fovea {

std::int32_t Dataset::label(std::int64_t index) const {
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(sample_shape().elements()));
  return read(index, pixels);
}

Batch make_batch(const Dataset& data, std::span<const std::int64_t> indices, const Normalization& normalization) {
  const Shape shape = data.sample_shape();
  const PixelTable table(normalization, shape);
  const auto n = static_cast<std::int64_t>(indices.size());
  Batch batch{Tensor(shape.with_batch(n)), Tensor(data.label_shape().with_batch(n), DType::i32)};
  const auto labels_each = static_cast<std::size_t>(data.label_shape().elements());
  float* image = batch.images.span<float>().data();
  std::int32_t* label = batch.labels.span<std::int32_t>().data();
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(shape.elements()));
  for (const std::int64_t index : indices) {
    data.read_labels(index, pixels, {label, labels_each});
    label += labels_each;
    table.apply(pixels, image);
    image += pixels.size();
  }
  return batch;
}

std::vector<std::int64_t> epoch_order(std::int64_t size, std::uint64_t seed, std::int64_t epoch) {
  require(size >= 0 && size <= std::int64_t{std::numeric_limits<std::uint32_t>::max()} && epoch >= 0, [&] {
    return fmt::format("cannot shuffle {} samples for epoch {}: expected at most 2^32 - 1 samples", size, epoch);
  });
  std::vector<std::int64_t> order(static_cast<std::size_t>(size));
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::int64_t>(i);
  RandomStream random(seed, RandomPurpose::shuffle, static_cast<std::uint64_t>(epoch));
  for (std::size_t i = order.size(); i > 1; --i) {
    std::swap(order[i - 1], order[random.below(static_cast<std::uint32_t>(i))]);
  }
  return order;
}

}  // namespace fovea
