// SPDX-License-Identifier: Apache-2.0
#include "core/data/augment/warp.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/data/augment/lanes.h"
#include "core/support/simd.h"

namespace fovea {
namespace {

// Of 8192 pixels, twice (centres are odd multiples of 1/2), with 8 bits more: 2^55.
constexpr int matrix_bits = warp_fraction_bits;
constexpr std::int64_t matrix_one = std::int64_t{1} << matrix_bits;

std::int64_t floor_divide(std::int64_t a, std::int64_t b) { return a / b - (a % b != 0 && (a < 0) != (b < 0)); }

// The four pixels around a position in 1/256 of a pixel, measured from the centre of pixel 0.
struct Neighbours {
  std::int64_t offset[4];
  std::uint32_t weight[4];  // of 65536; 0 for what is black
};

Neighbours neighbours_of(std::int64_t x, std::int64_t y, std::int64_t height, std::int64_t width, Outside outside) {
  const std::int64_t column = x >> 8, row = y >> 8;
  const auto u = static_cast<std::uint32_t>(x & 255), v = static_cast<std::uint32_t>(y & 255);
  const std::uint32_t across[2] = {256 - u, u}, down[2] = {256 - v, v};
  Neighbours n{};
  for (int k = 0; k < 4; ++k) {
    const std::int64_t r = row + k / 2, c = column + k % 2;
    const bool inside = r >= 0 && r < height && c >= 0 && c < width;
    n.offset[k] = std::clamp<std::int64_t>(r, 0, height - 1) * width + std::clamp<std::int64_t>(c, 0, width - 1);
    n.weight[k] = inside || outside == Outside::edge ? down[k / 2] * across[k % 2] : 0;
  }
  return n;
}

// Along one axis, for an element of the result: `first` and the element after it, and their weights of 256.
struct AxisTap {
  std::uint16_t first = 0, near = 0, far = 0;
};

// Element i comes from scale * (i + 1/2) + offset, both in 1/2^matrix_bits.
std::vector<AxisTap> taps_of(std::int64_t scale, std::int64_t offset, std::int64_t extent, Outside outside) {
  std::vector<AxisTap> taps;
  taps.reserve(static_cast<std::size_t>(extent));
  for (std::int64_t i = 0; i < extent; ++i) {
    const std::int64_t at = ((scale * (2 * i + 1) + 2 * offset) >> (matrix_bits + 1 - 8)) - 128, cell = at >> 8;
    const auto far = static_cast<std::uint16_t>(at & 255), near = static_cast<std::uint16_t>(256 - far);
    if (cell >= 0 && cell + 1 < extent) {
      taps.push_back({static_cast<std::uint16_t>(cell), near, far});
      continue;
    }
    // At the edge one of the two is missing, beyond it both.
    const bool begin = cell < 0, edge = outside == Outside::edge;
    const std::uint16_t inside = cell == -1 ? far : cell == extent - 1 ? near : std::uint16_t{0};
    taps.push_back({static_cast<std::uint16_t>(begin ? 0 : extent - 1), edge ? std::uint16_t{256} : inside, 0});
  }
  return taps;
}

// Lanes (lanes.h) do the first columns of a row, these loops the rest.
void blend_columns(const std::uint8_t* row, std::span<const AxisTap> columns, std::size_t begin, std::uint16_t* out) {
  for (std::size_t w = begin; w < columns.size(); ++w) {
    const AxisTap& tap = columns[w];
    out[w] = static_cast<std::uint16_t>(tap.near * row[tap.first] + tap.far * row[tap.first + 1]);
  }
}

FOVEA_SIMD_CLONES
void blend_rows(const std::uint16_t* upper, const std::uint16_t* lower, AxisTap tap, std::size_t begin,
                std::size_t width, std::uint8_t* out) {
  const std::uint16_t near = tap.near, far = tap.far;
  for (std::size_t w = begin; w < width; ++w)
    out[w] = static_cast<std::uint8_t>((std::uint32_t{near} * upper[w] + std::uint32_t{far} * lower[w] + 32768u) >> 16);
}

// The whole blocks of a row; none where one needs more pixels than its window has.
std::vector<lanes::ColumnBlock> blocks_of(std::span<const AxisTap> columns) {
  std::vector<lanes::ColumnBlock> blocks(columns.size() / lanes::columns_of_block);
  for (std::size_t k = 0; k < blocks.size(); ++k) {
    lanes::ColumnBlock& block = blocks[k];
    const auto taps = columns.subspan(k * lanes::columns_of_block, lanes::columns_of_block);
    const auto [least, most] = std::ranges::minmax(taps, {}, &AxisTap::first);
    if (most.first + std::size_t{1} >= least.first + lanes::window) return {};
    block.begin = least.first;
    for (std::size_t i = 0; i < lanes::columns_of_block; ++i) {
      const auto place = static_cast<std::uint8_t>(taps[i].first - block.begin);
      block.near_at[2 * i] = place, block.far_at[2 * i] = static_cast<std::uint8_t>(place + 1);
      block.near_at[2 * i + 1] = block.far_at[2 * i + 1] = 0x80;  // no byte of the window
      block.near[i] = taps[i].near, block.far[i] = taps[i].far;
    }
  }
  return blocks;
}

// Rows and columns that stay what they are: the same sums as below, columns first, and only of those rows that the result
// has something of.
void scale_and_move(const ImageBytes& image, AugmentRow m, Outside outside) {
  image.copied();
  image.scratch.resize(image.scratch.size() + lanes::window);  // what is read beyond the last pixel, without weight
  const std::vector<AxisTap> rows = taps_of(m[4], m[5], image.height, outside);
  const std::vector<AxisTap> columns = taps_of(m[0], m[2], image.width, outside);
  const std::vector<lanes::ColumnBlock> blocks = blocks_of(columns);
  const std::size_t W = columns.size();
  std::vector<std::uint16_t> blended[2] = {std::vector<std::uint16_t>(W), std::vector<std::uint16_t>(W)};
  std::uint8_t* out = image.pixels.data();
  for (std::int64_t c = 0; c < image.channels; ++c) {
    const std::uint8_t* plane = image.scratch.data() + c * image.area();
    std::int64_t held[2] = {-1, -1};  // which row each of them is; neighbours lie in different ones
    const auto row_of = [&](std::int64_t h) {
      const auto slot = static_cast<std::size_t>(h % 2);
      if (held[slot] != h) {
        const std::uint8_t* row = plane + h * image.width;
        std::uint16_t* into = blended[slot].data();
        blend_columns(row, columns, lanes::blend_columns(row, blocks.data(), blocks.size(), into), into);
        held[slot] = h;
      }
      return blended[slot].data();
    };
    for (const AxisTap& row : rows) {
      const std::uint16_t* upper = row_of(row.first);
      const std::uint16_t* lower = row.far > 0 ? row_of(row.first + 1) : upper;
      blend_rows(upper, lower, row, lanes::blend_rows(upper, lower, row.near, row.far, W, out), W, out);
      out += W;
    }
  }
}

}  // namespace

WarpRow warp_row(const WarpMatrix& matrix, Outside outside) {
  WarpRow row{};
  for (std::size_t i = 0; i < matrix.size(); ++i) row[i] = std::llround(std::ldexp(matrix[i], matrix_bits));
  row[8] = outside == Outside::edge;
  return row;
}

void warp(const ImageBytes& image, const WarpMatrix& matrix, Outside outside) {
  warp_image(warp_row(matrix, outside), image);
}

void warp_image(AugmentRow m, const ImageBytes& image) {
  const Outside outside = m[8] != 0 ? Outside::edge : Outside::black;
  const bool affine = m[6] == 0 && m[7] == 0;
  if (affine && m[1] == 0 && m[3] == 0) {
    const bool whole = m[4] == matrix_one && m[2] % matrix_one == 0 && m[5] % matrix_one == 0;
    if (whole && m[0] == matrix_one) return translate(image, m[5] / matrix_one, m[2] / matrix_one, outside);
    if (whole && m[0] == -matrix_one && m[2] == image.width * matrix_one && m[5] == 0) return mirror(image);
    return scale_and_move(image, m, outside);
  }
  const std::span<const std::uint8_t> source = image.copied();
  const std::int64_t H = image.height, W = image.width, area = image.area();
  std::uint8_t* out = image.pixels.data();
  for (std::int64_t h = 0; h < H; ++h) {
    const std::int64_t y = 2 * h + 1;
    for (std::int64_t w = 0; w < W; ++w, ++out) {
      const std::int64_t x = 2 * w + 1;  // all in half pixels, so twice of everything
      std::int64_t from_x = m[0] * x + m[1] * y + 2 * m[2], from_y = m[3] * x + m[4] * y + 2 * m[5];
      if (affine) {
        from_x >>= matrix_bits + 1 - 8;
        from_y >>= matrix_bits + 1 - 8;
      } else {
        const std::int64_t depth = m[6] * x + m[7] * y + (std::int64_t{2} << matrix_bits);
        if (depth < 256) {  // at the viewer or behind
          for (std::int64_t c = 0; c < image.channels; ++c) out[c * area] = 0;
          continue;
        }
        from_x = floor_divide(from_x, depth >> 8);
        from_y = floor_divide(from_y, depth >> 8);
      }
      const Neighbours n = neighbours_of(from_x - 128, from_y - 128, H, W, outside);
      const std::uint8_t* plane = source.data();
      for (std::int64_t c = 0; c < image.channels; ++c, plane += area) {
        std::uint32_t sum = 32768;
        for (int k = 0; k < 4; ++k) sum += n.weight[k] * plane[n.offset[k]];
        out[c * area] = static_cast<std::uint8_t>(sum >> 16);
      }
    }
  }
}

void translate(const ImageBytes& image, std::int64_t dy, std::int64_t dx, Outside outside) {
  if (dy == 0 && dx == 0) return;
  const std::span<const std::uint8_t> source = image.copied();
  const std::int64_t H = image.height, W = image.width;
  // Columns [begin, end) of the result lie in the image.
  const std::int64_t begin = std::clamp<std::int64_t>(-dx, 0, W), end = std::clamp<std::int64_t>(W - dx, begin, W);
  std::uint8_t* out = image.pixels.data();
  for (std::int64_t c = 0; c < image.channels; ++c) {
    for (std::int64_t h = 0; h < H; ++h, out += W) {
      std::int64_t from = h + dy;
      if (outside == Outside::black && (from < 0 || from >= H)) {
        std::memset(out, 0, static_cast<std::size_t>(W));
        continue;
      }
      from = std::clamp<std::int64_t>(from, 0, H - 1);
      const std::uint8_t* row = source.data() + c * image.area() + from * W;
      const bool edge = outside == Outside::edge;
      std::memset(out, edge ? row[0] : 0, static_cast<std::size_t>(begin));
      if (end > begin) std::memcpy(out + begin, row + begin + dx, static_cast<std::size_t>(end - begin));
      std::memset(out + end, edge ? row[W - 1] : 0, static_cast<std::size_t>(W - end));
    }
  }
}

void mirror(const ImageBytes& image) {
  const std::span<const std::uint8_t> source = image.copied();
  const auto width = static_cast<std::size_t>(image.width);
  for (std::size_t row = 0; row < source.size(); row += width) {
    const std::uint8_t* in = source.data() + row + width;
    std::uint8_t* out = image.pixels.data() + row;
    std::size_t w = 0;
    for (; w + 8 <= width; w += 8) {  // eight pixels are a word with its bytes the other way round
      std::uint64_t word = 0;
      std::memcpy(&word, in - w - 8, 8);
      word = __builtin_bswap64(word);
      std::memcpy(out + w, &word, 8);
    }
    for (; w < width; ++w) out[w] = in[-static_cast<std::ptrdiff_t>(w) - 1];
  }
}

// Column w of the mirrored image is column W - 1 - w of the scaled one, whose centre is W less that of w.
bool scale_and_mirror(std::span<std::int64_t> m, AugmentRow next, std::int64_t width) {
  const bool scales = m[1] == 0 && m[3] == 0 && m[6] == 0 && m[7] == 0 && m[0] != matrix_one;
  const bool mirrors = next[0] == -matrix_one && next[2] == width * matrix_one && next[4] == matrix_one &&
                       next[1] == 0 && next[3] == 0 && next[5] == 0 && next[6] == 0 && next[7] == 0;
  if (!scales || !mirrors) return false;
  m[2] += m[0] * width;
  m[0] = -m[0];
  return true;
}

// P. Heckbert, "Fundamentals of texture mapping and image warping", 1989, section 2.2.3: unit square to quadrilateral.
WarpMatrix corners_from(double H, double W, const std::array<std::array<double, 2>, 4>& p) {
  const double x1 = p[1][0] - p[2][0], x2 = p[3][0] - p[2][0], x3 = p[0][0] - p[1][0] + p[2][0] - p[3][0];
  const double y1 = p[1][1] - p[2][1], y2 = p[3][1] - p[2][1], y3 = p[0][1] - p[1][1] + p[2][1] - p[3][1];
  const double area = x1 * y2 - x2 * y1;
  const double g = (x3 * y2 - x2 * y3) / area, h = (x1 * y3 - x3 * y1) / area;
  return {(p[1][0] - p[0][0] + g * p[1][0]) / W,
          (p[3][0] - p[0][0] + h * p[3][0]) / H,
          p[0][0],
          (p[1][1] - p[0][1] + g * p[1][1]) / W,
          (p[3][1] - p[0][1] + h * p[3][1]) / H,
          p[0][1],
          g / W,
          h / H};
}

}  // namespace fovea
