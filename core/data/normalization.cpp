// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cmath>
#include <exception>
#include <mutex>

#include "core/data/dataset.h"
#include "core/support/error.h"
#include "core/support/parallel.h"

namespace fovea {
namespace {

// Integer sums: they come out the same in whatever order the threads add them.
struct PixelSums {
  std::vector<std::uint64_t> sum, squares;
  std::uint64_t samples = 0;

  explicit PixelSums(std::size_t channels) : sum(channels), squares(channels) {}
  void add(std::span<const std::uint8_t> pixels) {
    const std::size_t area = pixels.size() / sum.size();
    for (std::size_t c = 0; c < sum.size(); ++c) {
      std::uint64_t s = 0, q = 0;
      for (const std::uint8_t pixel : pixels.subspan(c * area, area)) {
        s += pixel;
        q += std::uint32_t{pixel} * pixel;
      }
      sum[c] += s;
      squares[c] += q;
    }
    ++samples;
  }
  void add(const PixelSums& other) {
    for (std::size_t c = 0; c < sum.size(); ++c) {
      sum[c] += other.sum[c];
      squares[c] += other.squares[c];
    }
    samples += other.samples;
  }
};

}  // namespace

Normalization measure_normalization(const Dataset& data, Unreadable unreadable) {
  __extension__ using Wide = unsigned __int128;  // count * sum of squares passes 64 bits on MNIST already
  const Shape shape = data.sample_shape();
  const auto channels = static_cast<std::size_t>(shape[0]);
  PixelSums total(channels);
  std::mutex mutex;
  std::exception_ptr first_error;
  std::int64_t first_bad = data.size();
  parallel_ranges(data.size(), 1, [&](std::int64_t begin, std::int64_t end) {
    PixelSums sums(channels);
    std::vector<std::uint8_t> pixels(static_cast<std::size_t>(shape.elements()));
    for (std::int64_t i = begin; i < end; ++i) {
      try {
        data.read(i, pixels);
      } catch (const InputError&) {
        if (unreadable == Unreadable::skip) continue;
        const std::lock_guard lock(mutex);
        if (i < first_bad) first_bad = i, first_error = std::current_exception();
        return;
      }
      sums.add(pixels);
    }
    const std::lock_guard lock(mutex);
    total.add(sums);
  });
  if (first_error) std::rethrow_exception(first_error);
  require(total.samples > 0, [] { return "normalisation: none of the images can be read"; });

  const std::uint64_t count = total.samples * static_cast<std::uint64_t>(shape.without_batch().elements());
  Normalization normalization;
  for (std::size_t c = 0; c < channels; ++c) {
    // variance * count^2 = count * sum of squares - sum^2, without rounding.
    const Wide spread = Wide{count} * total.squares[c] - Wide{total.sum[c]} * total.sum[c];
    const double scale = 255.0 * static_cast<double>(count);
    normalization.mean.push_back(static_cast<float>(static_cast<double>(total.sum[c]) / scale));
    normalization.deviation.push_back(spread == 0 ? 1.0f
                                                  : static_cast<float>(std::sqrt(static_cast<double>(spread)) / scale));
  }
  return normalization;
}

PixelTable::PixelTable(const Normalization& normalization, const Shape& sample_shape)
    : values_(static_cast<std::size_t>(sample_shape[0])) {
  require(normalization.mean.size() == values_.size() && normalization.deviation.size() == values_.size(), [&] {
    return fmt::format("normalisation for {} channels, but samples are {}", normalization.mean.size(),
                       sample_shape.to_string());
  });
  for (std::size_t c = 0; c < values_.size(); ++c) {
    for (std::size_t value = 0; value < 256; ++value) {
      values_[c][value] = static_cast<float>((static_cast<double>(value) / 255.0 - double{normalization.mean[c]}) /
                                             double{normalization.deviation[c]});
    }
  }
}

void PixelTable::apply(std::span<const std::uint8_t> pixels, float* out) const {
  const std::size_t area = pixels.size() / values_.size();
  const std::uint8_t* in = pixels.data();
  for (const std::array<float, 256>& values : values_) {
    for (std::size_t i = 0; i < area; ++i) *out++ = values[*in++];
  }
}

}  // namespace fovea
