// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <exception>
#include <mutex>

#include "core/data/dataset.h"
#include "core/support/error.h"
#include "core/support/parallel.h"
#include "core/support/simd.h"

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

// Slope and start in steps of which 2^24 reach the largest result, so that no step gets lost when they are multiplied by a
// byte and added up; what is left of them is the fine part.
PixelTable::Line line_of(double mean, double deviation) {
  const double slope = 1 / (255 * deviation), start = -mean / deviation;
  int exponent = 0;
  std::frexp(std::max(std::abs(255 * slope), std::abs(start)), &exponent);
  const double step = std::ldexp(1.0, exponent - 24);
  const double coarse_slope = std::round(slope / step) * step, coarse_start = std::round(start / step) * step;
  return {static_cast<float>(coarse_slope), static_cast<float>(coarse_start), static_cast<float>(slope - coarse_slope),
          static_cast<float>(start - coarse_start)};
}

FOVEA_SIMD_CLONES
void follow(PixelTable::Line line, const std::uint8_t* pixels, std::size_t count, float* __restrict out) {
  for (std::size_t i = 0; i < count; ++i) {
    const auto v = static_cast<float>(static_cast<int>(pixels[i]));
    out[i] = (line.slope * v + line.start) + (line.fine_slope * v + line.fine_start);
  }
}

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
    : channels_(static_cast<std::size_t>(sample_shape[0])) {
  require(normalization.mean.size() == channels_.size() && normalization.deviation.size() == channels_.size(), [&] {
    return fmt::format("normalisation for {} channels, but samples are {}", normalization.mean.size(),
                       sample_shape.to_string());
  });
  for (std::size_t c = 0; c < channels_.size(); ++c) {
    const double mean{normalization.mean[c]}, deviation{normalization.deviation[c]};
    Channel& channel = channels_[c];
    std::array<std::uint8_t, 256> bytes;
    for (std::size_t value = 0; value < bytes.size(); ++value) {
      bytes[value] = static_cast<std::uint8_t>(value);
      channel.values[value] = static_cast<float>((static_cast<double>(value) / 255.0 - mean) / deviation);
    }
    const Line line = line_of(mean, deviation);
    std::array<float, 256> computed;
    follow(line, bytes.data(), bytes.size(), computed.data());
    if (std::memcmp(computed.data(), channel.values.data(), sizeof computed) == 0) channel.line = line;
  }
}

void PixelTable::apply(std::span<const std::uint8_t> pixels, float* out) const {
  const std::size_t area = pixels.size() / channels_.size();
  for (const Channel& channel : channels_) {
    const std::span<const std::uint8_t> plane = pixels.first(area);
    if (channel.line) {
      follow(*channel.line, plane.data(), area, out);
    } else {
      for (std::size_t i = 0; i < area; ++i) out[i] = channel.values[plane[i]];
    }
    pixels = pixels.subspan(area);
    out += area;
  }
}

}  // namespace fovea
