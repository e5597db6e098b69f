// SPDX-License-Identifier: Apache-2.0
//
// Rows first: all columns of a row share their weights, so that the loop over columns runs in lanes. The columns are done
// on blocks of rows that lie beside each other, for the same reason.
#include "core/io/resize.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

namespace fovea {
namespace {

constexpr std::size_t lanes = 8;  // rows of a block

// Along one axis: output element o is the sum of weights[o * most + k] * in[first[o] + k] over k < count[o].
struct Taps {
  std::vector<std::size_t> first, count;
  std::vector<float> weights;
  std::size_t most = 0;
};

Taps make_taps(std::int64_t in, double begin, double extent, std::int64_t out) {
  const double scale = extent / static_cast<double>(out), support = std::max(scale, 1.0);
  Taps taps;
  taps.most = static_cast<std::size_t>(std::ceil(2 * support)) + 1;
  const auto size = static_cast<std::size_t>(out);
  taps.first.resize(size);
  taps.count.resize(size);
  taps.weights.resize(size * taps.most);
  std::vector<double> exact(taps.most);
  for (std::size_t o = 0; o < size; ++o) {
    const double centre = begin + (static_cast<double>(o) + 0.5) * scale;
    auto first = std::max<std::int64_t>(0, static_cast<std::int64_t>(std::floor(centre - support)));
    const auto last = std::min<std::int64_t>(in, static_cast<std::int64_t>(std::ceil(centre + support)));
    double sum = 0;
    std::size_t count = 0;
    for (std::int64_t i = first; i < last; ++i) {
      const double weight = 1.0 - std::abs(static_cast<double>(i) + 0.5 - centre) / support;
      if (weight <= 0 && count == 0) {
        ++first;
        continue;
      }
      if (weight <= 0) break;
      exact[count++] = weight;
      sum += weight;
    }
    taps.first[o] = static_cast<std::size_t>(first);
    taps.count[o] = count;
    for (std::size_t k = 0; k < count; ++k) taps.weights[o * taps.most + k] = static_cast<float>(exact[k] / sum);
  }
  return taps;
}

// One row of the result's height: the weighted sum of the plane's rows. One, two and three of them (no change, enlarging,
// shrinking a little) in a single pass.
void add_rows(const std::uint8_t* plane, std::size_t width, const Taps& rows, std::size_t o, float* __restrict out) {
  const float* weights = rows.weights.data() + o * rows.most;
  const std::uint8_t* in = plane + rows.first[o] * width;
  const std::size_t count = rows.count[o];
  const auto value = [](std::uint8_t pixel) { return static_cast<float>(static_cast<int>(pixel)); };
  const float a = weights[0], b = count > 1 ? weights[1] : 0, c = count > 2 ? weights[2] : 0;
  const std::uint8_t *second = in + width, *third = second + width;
  if (count == 1) {
    for (std::size_t w = 0; w < width; ++w) out[w] = a * value(in[w]);
  } else if (count == 2) {
    for (std::size_t w = 0; w < width; ++w) out[w] = a * value(in[w]) + b * value(second[w]);
  } else {
    for (std::size_t w = 0; w < width; ++w) out[w] = a * value(in[w]) + b * value(second[w]) + c * value(third[w]);
  }
  for (std::size_t k = 3; k < count; ++k) {
    const std::uint8_t* next = in + k * width;
    for (std::size_t w = 0; w < width; ++w) out[w] += weights[k] * value(next[w]);
  }
}

// Four numbers of a register; left to themselves compilers run the short loop over weights in lanes.
using FourFloats = float __attribute__((vector_size(16)));
using FourInts = std::int32_t __attribute__((vector_size(16)));
static_assert(lanes == 8, "add_columns has two registers");

// Output element o of `lanes` rows, from rows that lie beside each other. Weights are positive and add up to 1, so that
// nothing leaves the range of a byte.
void add_columns(const float* block, const Taps& columns, std::size_t o, std::int32_t* out) {
  FourFloats low{0.5f, 0.5f, 0.5f, 0.5f}, high = low;
  const float* weights = columns.weights.data() + o * columns.most;
  const float* in = block + columns.first[o] * lanes;
  for (std::size_t k = 0; k < columns.count[o]; ++k, in += lanes) {
    FourFloats first, second;
    std::memcpy(&first, in, sizeof first);
    std::memcpy(&second, in + 4, sizeof second);
    low += weights[k] * first;
    high += weights[k] * second;
  }
  const FourInts whole_low = __builtin_convertvector(low, FourInts),
                 whole_high = __builtin_convertvector(high, FourInts);
  std::memcpy(out, &whole_low, sizeof whole_low);
  std::memcpy(out + 4, &whole_high, sizeof whole_high);
}

// `lanes` rows of `width` elements to `width` columns of `lanes` elements.
template <class T>
void lay_beside(const T* rows, std::size_t width, T* __restrict columns) {
  for (std::size_t w = 0; w < width; ++w) {
    for (std::size_t lane = 0; lane < lanes; ++lane) columns[w * lanes + lane] = rows[lane * width + w];
  }
}

}  // namespace

void resize_planes(const Tensor& planes, const ImageRegion& region, Tensor& result) {
  const auto channels = static_cast<std::size_t>(planes.shape()[0]);
  const auto height = static_cast<std::size_t>(planes.shape()[1]), width = static_cast<std::size_t>(planes.shape()[2]);
  const Taps rows = make_taps(planes.shape()[1], region.top, region.height, result.shape()[1]);
  const Taps columns = make_taps(planes.shape()[2], region.left, region.width, result.shape()[2]);
  const std::size_t out_height = rows.first.size(), out_width = columns.first.size();
  std::vector<float> narrow(lanes * width), block(width * lanes);
  std::vector<std::int32_t> beside(out_width * lanes);
  for (std::size_t c = 0; c < channels; ++c) {
    const std::uint8_t* plane = planes.span<std::uint8_t>().data() + c * height * width;
    std::uint8_t* out = result.span<std::uint8_t>().data() + c * out_height * out_width;
    for (std::size_t o = 0; o < out_height; o += lanes) {
      const std::size_t here = std::min(lanes, out_height - o);
      for (std::size_t lane = 0; lane < here; ++lane) add_rows(plane, width, rows, o + lane, &narrow[lane * width]);
      lay_beside(narrow.data(), width, block.data());
      for (std::size_t w = 0; w < out_width; ++w) add_columns(block.data(), columns, w, &beside[w * lanes]);
      for (std::size_t lane = 0; lane < here; ++lane) {
        std::uint8_t* __restrict row = out + (o + lane) * out_width;
        for (std::size_t w = 0; w < out_width; ++w) row[w] = static_cast<std::uint8_t>(beside[w * lanes + lane]);
      }
    }
  }
}

}  // namespace fovea
