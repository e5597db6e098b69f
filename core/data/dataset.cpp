// SPDX-License-Identifier: Apache-2.0
#include "core/data/dataset.h"

#include <fmt/core.h>

#include <array>
#include <cmath>
#include <limits>

#include "core/data/cifar.h"
#include "core/data/digits.h"
#include "core/data/idx.h"
#include "core/data/shapes.h"
#include "core/data/synthetic.h"
#include "core/data/waves.h"
#include "core/support/did_you_mean.h"
#include "core/support/error.h"
#include "core/support/philox.h"

namespace fovea {

DataSplits open_data(std::string_view spec) {
  const std::size_t colon = spec.find(':');
  const std::string_view kind = spec.substr(0, colon);
  const bool has_arguments = colon != std::string_view::npos;
  const std::string_view arguments = has_arguments ? spec.substr(colon + 1) : std::string_view{};
  if (kind == "digits") {
    require(!has_arguments, [&] { return fmt::format("data '{}': 'digits' takes no arguments", spec); });
    return open_digits();
  }
  if (kind == "mnist") {
    require(!arguments.empty(), [&] {
      return fmt::format(
          "data '{}': expected mnist:DIR, the directory of the IDX files; 'scripts/get_data.sh mnist' "
          "puts them into data/mnist",
          spec);
    });
    return open_mnist(std::string(arguments));
  }
  if (kind == "cifar10") {
    require(!arguments.empty(),
            [&] { return fmt::format("data '{}': expected cifar10:DIR, the directory of the .bin files", spec); });
    return open_cifar10(std::string(arguments));
  }
  if (kind == "synthetic") return open_synthetic(arguments);
  if (kind == "shapes") return open_shapes(arguments);
  if (kind == "waves") return open_waves(arguments);
  throw InputError(fmt::format("unknown data '{}': expected {}{}", spec, data_specs,
                               did_you_mean(kind, {"digits", "mnist", "cifar10", "synthetic", "shapes", "waves"})));
}

Normalization measure_normalization(const Dataset& data) {
  __extension__ using Wide = unsigned __int128;  // count * sum of squares passes 64 bits on MNIST already
  const Shape shape = data.sample_shape();
  const auto channels = static_cast<std::size_t>(shape[0]);
  const auto area = static_cast<std::size_t>(shape.without_batch().elements());  // positions of each channel
  std::vector<std::uint64_t> sum(channels), squares(channels);
  std::vector<std::uint8_t> pixels(channels * area);
  for (std::int64_t i = 0; i < data.size(); ++i) {
    data.read(i, pixels);
    for (std::size_t c = 0; c < channels; ++c) {
      for (const std::uint8_t pixel : std::span(pixels).subspan(c * area, area)) {
        sum[c] += pixel;
        squares[c] += std::uint64_t{pixel} * pixel;
      }
    }
  }
  const std::uint64_t count = static_cast<std::uint64_t>(data.size()) * area;
  Normalization normalization;
  for (std::size_t c = 0; c < channels; ++c) {
    // variance * count^2 = count * sum of squares - sum^2, without rounding.
    const Wide spread = Wide{count} * squares[c] - Wide{sum[c]} * sum[c];
    const double scale = 255.0 * static_cast<double>(count);
    normalization.mean.push_back(static_cast<float>(static_cast<double>(sum[c]) / scale));
    normalization.deviation.push_back(spread == 0 ? 1.0f
                                                  : static_cast<float>(std::sqrt(static_cast<double>(spread)) / scale));
  }
  return normalization;
}

Batch make_batch(const Dataset& data, std::span<const std::int64_t> indices, const Normalization& normalization) {
  const Shape shape = data.sample_shape();
  const auto channels = static_cast<std::size_t>(shape[0]);
  const auto area = static_cast<std::size_t>(shape.without_batch().elements());  // positions of each channel
  require(normalization.mean.size() == channels && normalization.deviation.size() == channels, [&] {
    return fmt::format("normalisation for {} channels, but samples are {}", normalization.mean.size(),
                       shape.to_string());
  });
  // Every pixel value's image, computed once.
  std::vector<std::array<float, 256>> table(channels);
  for (std::size_t c = 0; c < channels; ++c) {
    for (std::size_t value = 0; value < 256; ++value) {
      table[c][value] = static_cast<float>((static_cast<double>(value) / 255.0 - double{normalization.mean[c]}) /
                                           double{normalization.deviation[c]});
    }
  }
  const auto n = static_cast<std::int64_t>(indices.size());
  Batch batch{Tensor(shape.with_batch(n)), Tensor(data.label_shape().with_batch(n), DType::i32)};
  const auto labels_each = static_cast<std::size_t>(data.label_shape().elements());
  float* image = batch.images.span<float>().data();
  std::int32_t* label = batch.labels.span<std::int32_t>().data();
  std::vector<std::uint8_t> pixels(channels * area);
  for (const std::int64_t index : indices) {
    data.read_labels(index, pixels, {label, labels_each});
    label += labels_each;
    for (std::size_t c = 0; c < channels; ++c) {
      for (std::size_t i = 0; i < area; ++i) *image++ = table[c][pixels[c * area + i]];
    }
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
