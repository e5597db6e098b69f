// SPDX-License-Identifier: Apache-2.0
//
// Max pooling (core/ops/max_pool2d.h) in lanes. Forward keeps the best value and its place in the window for each lane;
// backward hands each window's gradient to its winner, windows in row order. oneDNN has max pooling too, but drops NaN.
#include <cstring>

#include "cpu/arguments.h"
#include "cpu/cpu_ops.h"
#include "cpu/pooling.h"

namespace fovea {
namespace {

using cpu::Lanes;
using cpu::PoolWindows;
using cpu::Range;

// Where element (h, w) of window (p, q) is counted: index = (h - first row) * row_step + (w - first column), the first
// ones possibly outside of the image.
struct Numbering {
  std::int64_t stride_h = 0, pad_top = 0, stride_w = 0, pad_left = 0, row_step = 1;

  std::int64_t top(std::size_t p) const { return static_cast<std::int64_t>(p) * stride_h - pad_top; }
  std::int64_t left(std::size_t q) const { return static_cast<std::int64_t>(q) * stride_w - pad_left; }
  std::int32_t at(std::int64_t r, std::int64_t s) const { return static_cast<std::int32_t>(r * row_step + s); }
};
Numbering numbering(const Pool2dGeometry& g) { return {g.stride_h, g.pad_top, g.stride_w, g.pad_left, g.S}; }
Numbering numbering(const AdaptivePool2dGeometry& g) { return {0, 0, 0, 0, g.W}; }

struct Plane {
  const PoolWindows* windows;
  Numbering numbers;
  std::int64_t step;  // from a position to the next, in x and y alike
  int lanes;
  int channels;  // the first lanes; in the others, which are padding, an index means nothing
  // Backward: every element is in at most one window, so that its gradient is written and not added to; and the
  // elements in none are to be zeroed.
  bool disjoint = false, zero_first = true;
};

// A NaN is better than any number, and the first one stays: "not (value <= best)" is true for it.
template <bool minimum>
inline __attribute__((always_inline)) bool is_better(float value, float best) {
  return (minimum ? !(value >= best) : !(value <= best)) & (best == best);
}

// A window where it lies in the image: its first element, the distances to the next column and row, the first element's
// number and that of the row below.
struct Window {
  const float* corner;
  std::int64_t step, row;
  std::int32_t number, row_number;
};

// Eight lanes by name, where the compiler does not find them itself.
using Floats = float __attribute__((vector_size(32)));
using Numbers = std::int32_t __attribute__((vector_size(32)));
using Bytes = std::uint8_t __attribute__((vector_size(8)));

// The usual windows, 2x2 and 3x3, when they lie inside the image: as many elements as the compiler knows of stay in
// registers.
template <int extent, int lanes, bool minimum>
inline __attribute__((always_inline)) void best_of_square(const Window& window, float* y, std::uint8_t* index) {
  for (int first = 0; first < lanes; first += 8) {
    Floats best, value;
    std::memcpy(&best, window.corner + first, sizeof best);
    Numbers winner = Numbers{} + window.number;
#pragma GCC unroll 9
    for (int i = 1; i < extent * extent; ++i) {
      const int r = i / extent, s = i % extent;
      std::memcpy(&value, window.corner + r * window.row + s * window.step + first, sizeof value);
      // is_better(), all bits set where it is.
      const Numbers better = ~(minimum ? value >= best : value <= best) & (best == best);
      best = better ? value : best;
      winner = better ? Numbers{} + (window.number + r * window.row_number + s) : winner;
    }
    const Bytes bytes = __builtin_convertvector(winner, Bytes);
    std::memcpy(y + first, &best, sizeof best);
    std::memcpy(index + first, &bytes, sizeof bytes);
  }
}

template <bool minimum, class Index>
inline __attribute__((always_inline)) void best_of_windows(const Plane& plane, const float* all_x, float* all_y,
                                                           Index* all_indices) {
  const PoolWindows& windows = *plane.windows;
  cpu::for_lane_groups(
      plane.lanes, [&](int first, auto lanes) __attribute__((always_inline)) {
        const float* x = all_x + first;
        float* y = all_y + first;
        Index* index = all_indices + first;
        for (std::size_t p = 0; p < windows.rows.size(); ++p) {
          for (std::size_t q = 0; q < windows.columns.size(); ++q, y += plane.step, index += plane.step) {
            const Range rows = windows.rows[p], columns = windows.columns[q];
            const std::int64_t top = plane.numbers.top(p), left = plane.numbers.left(q);
            float best[lanes];
            std::int32_t winner[lanes];
            const float* const corner = x + (rows.first * windows.W + columns.first) * plane.step;
            const std::int32_t number = plane.numbers.at(rows.first - top, columns.first - left);
            if constexpr (lanes >= 8 && sizeof(Index) == 1) {
              const Window window{corner, plane.step, windows.W * plane.step, number,
                                  static_cast<std::int32_t>(plane.numbers.row_step)};
              if (rows.size() == 2 && columns.size() == 2) {
                best_of_square<2, lanes, minimum>(window, y, index);
                continue;
              }
              if (rows.size() == 3 && columns.size() == 3) {
                best_of_square<3, lanes, minimum>(window, y, index);
                continue;
              }
            }
#pragma omp simd
            for (int l = 0; l < lanes; ++l) best[l] = corner[l], winner[l] = number;
            for (std::int64_t h = rows.first; h < rows.last; ++h) {
              for (std::int64_t w = columns.first; w < columns.last; ++w) {
                const float* const element = x + (h * windows.W + w) * plane.step;
                const std::int32_t here = plane.numbers.at(h - top, w - left);
#pragma omp simd
                for (int l = 0; l < lanes; ++l) {
                  const float value = element[l];
                  const bool better = is_better<minimum>(value, best[l]);
                  best[l] = better ? value : best[l];
                  winner[l] = better ? here : winner[l];
                }
              }
            }
#pragma omp simd
            for (int l = 0; l < lanes; ++l) y[l] = best[l], index[l] = static_cast<Index>(winner[l]);
          }
        }
      });
}

FOVEA_SIMD_CLONES void largest_u8(const Plane& plane, const float* x, float* y, std::uint8_t* index) {
  best_of_windows<false>(plane, x, y, index);
}
FOVEA_SIMD_CLONES void largest_u16(const Plane& plane, const float* x, float* y, std::uint16_t* index) {
  best_of_windows<false>(plane, x, y, index);
}
FOVEA_SIMD_CLONES void largest_i32(const Plane& plane, const float* x, float* y, std::int32_t* index) {
  best_of_windows<false>(plane, x, y, index);
}
FOVEA_SIMD_CLONES void smallest_u8(const Plane& plane, const float* x, float* y, std::uint8_t* index) {
  best_of_windows<true>(plane, x, y, index);
}
FOVEA_SIMD_CLONES void smallest_u16(const Plane& plane, const float* x, float* y, std::uint16_t* index) {
  best_of_windows<true>(plane, x, y, index);
}

// Each window offers its gradient to all of its elements, and the winner takes it: comparisons instead of a scatter.
// False when an index names no element of its window.
template <bool disjoint, class Index>
inline __attribute__((always_inline)) bool to_winners(const Plane& plane, const float* all_dy, const Index* all_indices,
                                                      float* all_dx) {
  const PoolWindows& windows = *plane.windows;
  bool all_found = true;
  cpu::for_lane_groups(
      plane.lanes, [&](int first, auto lanes) __attribute__((always_inline)) {
        const float* dy = all_dy + first;
        const Index* index = all_indices + first;
        float* dx = all_dx + first;
        for (std::int64_t i = 0; plane.zero_first && i < windows.H * windows.W; ++i)
#pragma omp simd
          for (int l = 0; l < lanes; ++l) dx[i * plane.step + l] = 0;
        std::int32_t missing[lanes] = {};
        for (std::size_t p = 0; p < windows.rows.size(); ++p) {
          for (std::size_t q = 0; q < windows.columns.size(); ++q, dy += plane.step, index += plane.step) {
            const Range rows = windows.rows[p], columns = windows.columns[q];
            const std::int64_t top = plane.numbers.top(p), left = plane.numbers.left(q);
            std::int32_t winner[lanes], found[lanes];
            float gradient[lanes];
#pragma omp simd
            for (int l = 0; l < lanes; ++l)
              winner[l] = static_cast<std::int32_t>(index[l]), gradient[l] = dy[l], found[l] = 0;
            for (std::int64_t h = rows.first; h < rows.last; ++h) {
              for (std::int64_t w = columns.first; w < columns.last; ++w) {
                float* const element = dx + (h * windows.W + w) * plane.step;
                const std::int32_t here = plane.numbers.at(h - top, w - left);
#pragma omp simd
                for (int l = 0; l < lanes; ++l) {
                  const bool won = winner[l] == here;
                  element[l] = disjoint ? (won ? gradient[l] : 0.0f) : (won ? element[l] + gradient[l] : element[l]);
                  found[l] = won ? 1 : found[l];
                }
              }
            }
#pragma omp simd
            for (int l = 0; l < lanes; ++l) missing[l] |= found[l] ^ 1;
          }
        }
        for (int l = 0; l < lanes && first + l < plane.channels; ++l) all_found = all_found && missing[l] == 0;
      });
  return all_found;
}
FOVEA_SIMD_CLONES bool to_winners_u8(const Plane& plane, const float* dy, const std::uint8_t* index, float* dx) {
  return plane.disjoint ? to_winners<true>(plane, dy, index, dx) : to_winners<false>(plane, dy, index, dx);
}
FOVEA_SIMD_CLONES bool to_winners_u16(const Plane& plane, const float* dy, const std::uint16_t* index, float* dx) {
  return plane.disjoint ? to_winners<true>(plane, dy, index, dx) : to_winners<false>(plane, dy, index, dx);
}
FOVEA_SIMD_CLONES bool to_winners_i32(const Plane& plane, const float* dy, const std::int32_t* index, float* dx) {
  return plane.disjoint ? to_winners<true>(plane, dy, index, dx) : to_winners<false>(plane, dy, index, dx);
}

template <class Index>
void forward(const PoolWindows& windows, const Numbering& numbers, ConstView x, View y, View index,
             void (*best)(const Plane&, const float*, float*, Index*)) {
  const Lanes in = Lanes::of(x.shape, x.layout), out = Lanes::of(y.shape, y.layout);
  const float* from = data_as<float>(x);
  float* to = data_as<float>(y);
  Index* winners = data_as<Index>(index);
  cpu::for_each_block(in, [&](std::int64_t n, std::int64_t block) {
    const std::int64_t at = out.offset(n, block);
    best({&windows, numbers, in.step, in.lanes_of(block), in.channels_of(block)}, from + in.offset(n, block), to + at,
         winners + at);
  });
}

template <class Index>
void backward(const cpu::Arguments& arguments, const PoolWindows& windows, const Numbering& numbers, ConstView dy,
              ConstView index, View dx, bool (*give)(const Plane&, const float*, const Index*, float*)) {
  const Lanes in = Lanes::of(dx.shape, dx.layout), out = Lanes::of(dy.shape, dy.layout);
  const Index* winners = data_as<Index>(index);
  const float* from = data_as<float>(dy);
  float* to = data_as<float>(dx);
  const bool disjoint = windows.disjoint(), zero_first = !disjoint || !windows.covering();
  cpu::for_each_block(in, [&](std::int64_t n, std::int64_t block) {
    const std::int64_t at = out.offset(n, block);
    arguments.demand(give({&windows, numbers, in.step, in.lanes_of(block), in.channels_of(block), disjoint, zero_first},
                          from + at, winners + at, to + in.offset(n, block)),
                     "index", "winners inside the image", index);
  });
}

}  // namespace

void CpuOps::max_pool2d_forward(const MaxPool2dOptions& options, ConstView x, View y, View index) {
  const cpu::Arguments arguments("max_pool2d_forward", "x", x);
  const Pool2dGeometry g = arguments.geometry([&] { return max_pool2d_geometry(options, x.shape); });
  const DType index_dtype = arguments.geometry([&] { return max_pool2d_index_dtype(options); });
  arguments.image("y", y, {g.N, g.C, g.P, g.Q});
  arguments.image("index", index, {g.N, g.C, g.P, g.Q}, index_dtype);
  if (index_dtype == DType::u8)
    forward<std::uint8_t>(PoolWindows::of(g), numbering(g), x, y, index, options.minimum ? smallest_u8 : largest_u8);
  else
    forward<std::uint16_t>(PoolWindows::of(g), numbering(g), x, y, index, options.minimum ? smallest_u16 : largest_u16);
  ++executed_;
}

void CpuOps::max_pool2d_backward(const MaxPool2dOptions& options, ConstView dy, ConstView index, View dx) {
  const cpu::Arguments arguments("max_pool2d_backward", "dx", dx);
  const Pool2dGeometry g = arguments.geometry([&] { return max_pool2d_geometry(options, dx.shape); });
  const DType index_dtype = arguments.geometry([&] { return max_pool2d_index_dtype(options); });
  arguments.image("dy", dy, {g.N, g.C, g.P, g.Q});
  arguments.image("index", index, {g.N, g.C, g.P, g.Q}, index_dtype);
  if (index_dtype == DType::u8)
    backward<std::uint8_t>(arguments, PoolWindows::of(g), numbering(g), dy, index, dx, to_winners_u8);
  else
    backward<std::uint16_t>(arguments, PoolWindows::of(g), numbering(g), dy, index, dx, to_winners_u16);
  ++executed_;
}

void CpuOps::adaptive_max_pool2d_forward(const AdaptivePool2dOptions& options, ConstView x, View y, View index) {
  const cpu::Arguments arguments("adaptive_max_pool2d_forward", "x", x);
  const AdaptivePool2dGeometry g = arguments.geometry([&] { return adaptive_pool2d_geometry(options, x.shape); });
  arguments.image("y", y, {g.N, g.C, g.P, g.Q});
  arguments.image("index", index, {g.N, g.C, g.P, g.Q}, DType::i32);
  forward<std::int32_t>(PoolWindows::of(g), numbering(g), x, y, index, largest_i32);
  ++executed_;
}

void CpuOps::adaptive_max_pool2d_backward(const AdaptivePool2dOptions& options, ConstView dy, ConstView index,
                                          View dx) {
  const cpu::Arguments arguments("adaptive_max_pool2d_backward", "dx", dx);
  const AdaptivePool2dGeometry g = arguments.geometry([&] { return adaptive_pool2d_geometry(options, dx.shape); });
  arguments.image("dy", dy, {g.N, g.C, g.P, g.Q});
  arguments.image("index", index, {g.N, g.C, g.P, g.Q}, DType::i32);
  backward<std::int32_t>(arguments, PoolWindows::of(g), numbering(g), dy, index, dx, to_winners_i32);
  ++executed_;
}

}  // namespace fovea
