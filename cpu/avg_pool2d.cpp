// SPDX-License-Identifier: Apache-2.0
//
// Average, sum and adaptive average pooling (core/ops/avg_pool2d.h, core/ops/adaptive_pool2d.h) in lanes; sums in float,
// in row order.
#include <cstring>

#include "cpu/arguments.h"
#include "cpu/cpu_ops.h"
#include "cpu/pooling.h"

namespace fovea {
namespace {

using cpu::Lanes;
using cpu::PoolWindows;
using cpu::Range;

// Windows, and what the sum over each is multiplied with.
struct Average {
  PoolWindows windows;
  std::vector<float> factors;  // [P, Q]
};

Average average_of(const AvgPool2dOptions& options, const Pool2dGeometry& g) {
  Average average{PoolWindows::of(g), {}};
  const auto counted = [&](const std::vector<Range>& inside, std::int64_t stride, std::int64_t extent,
                           std::int64_t padded) {
    return options.count_include_pad
               ? reference::elements_inside(static_cast<std::int64_t>(inside.size()), stride, extent, 0, padded)
               : inside;
  };
  const auto rows = counted(average.windows.rows, g.stride_h, g.R, g.pad_top + g.H + g.pad_bottom);
  const auto columns = counted(average.windows.columns, g.stride_w, g.S, g.pad_left + g.W + g.pad_right);
  for (const Range& row : rows)
    for (const Range& column : columns)
      average.factors.push_back(options.sum ? 1.0f : 1.0f / static_cast<float>(row.size() * column.size()));
  return average;
}

Average average_of(const AdaptivePool2dGeometry& g) {
  Average average{PoolWindows::of(g), {}};
  for (const Range& row : average.windows.rows)
    for (const Range& column : average.windows.columns)
      average.factors.push_back(1.0f / static_cast<float>(row.size() * column.size()));
  return average;
}

struct Plane {
  const Average* average;
  std::int64_t step;
  int lanes;
};

FOVEA_SIMD_CLONES void sum_windows(const Plane& plane, const float* all_x, float* all_y) {
  cpu::for_lane_groups(
      plane.lanes, [&](int first, auto lanes) __attribute__((always_inline)) {
        const PoolWindows& windows = plane.average->windows;
        const float *factor = plane.average->factors.data(), *x = all_x + first;
        float* y = all_y + first;
        for (const Range& rows : windows.rows) {
          for (const Range& columns : windows.columns) {
            float sum[lanes] = {};
            for (std::int64_t h = rows.first; h < rows.last; ++h)
              for (std::int64_t w = columns.first; w < columns.last; ++w)
                for (int l = 0; l < lanes; ++l) sum[l] += x[(h * windows.W + w) * plane.step + l];
            for (int l = 0; l < lanes; ++l) y[l] = sum[l] * *factor;
            y += plane.step;
            ++factor;
          }
        }
      });
}

// Every window shares its gradient equally among its elements.
FOVEA_SIMD_CLONES void share_windows(const Plane& plane, const float* all_dy, float* all_dx) {
  cpu::for_lane_groups(
      plane.lanes, [&](int first, auto lanes) __attribute__((always_inline)) {
        const PoolWindows& windows = plane.average->windows;
        const float *factor = plane.average->factors.data(), *dy = all_dy + first;
        float* dx = all_dx + first;
        for (std::int64_t i = 0; i < windows.H * windows.W; ++i)
          for (int l = 0; l < lanes; ++l) dx[i * plane.step + l] = 0;
        for (const Range& rows : windows.rows) {
          for (const Range& columns : windows.columns) {
            float share[lanes];
            for (int l = 0; l < lanes; ++l) share[l] = dy[l] * *factor;
            for (std::int64_t h = rows.first; h < rows.last; ++h)
              for (std::int64_t w = columns.first; w < columns.last; ++w)
                for (int l = 0; l < lanes; ++l) dx[(h * windows.W + w) * plane.step + l] += share[l];
            dy += plane.step;
            ++factor;
          }
        }
      });
}

void forward(const Average& average, ConstView x, View y) {
  const Lanes in = Lanes::of(x.shape, x.layout), out = Lanes::of(y.shape, y.layout);
  const float* from = data_as<float>(x);
  float* to = data_as<float>(y);
  cpu::for_each_block(in, [&](std::int64_t n, std::int64_t block) {
    sum_windows({&average, in.step, in.lanes_of(block)}, from + in.offset(n, block), to + out.offset(n, block));
  });
}

void backward(const Average& average, ConstView dy, View dx) {
  const Lanes in = Lanes::of(dx.shape, dx.layout), out = Lanes::of(dy.shape, dy.layout);
  const float* from = data_as<float>(dy);
  float* to = data_as<float>(dx);
  cpu::for_each_block(in, [&](std::int64_t n, std::int64_t block) {
    share_windows({&average, in.step, in.lanes_of(block)}, from + out.offset(n, block), to + in.offset(n, block));
  });
}

}  // namespace

void CpuOps::avg_pool2d_forward(const AvgPool2dOptions& options, ConstView x, View y) {
  const cpu::Arguments arguments("avg_pool2d_forward", "x", x);
  const Pool2dGeometry g = arguments.geometry([&] { return avg_pool2d_geometry(options, x.shape); });
  arguments.image("y", y, {g.N, g.C, g.P, g.Q});
  forward(average_of(options, g), x, y);
  ++executed_;
}

void CpuOps::avg_pool2d_backward(const AvgPool2dOptions& options, ConstView dy, View dx) {
  const cpu::Arguments arguments("avg_pool2d_backward", "dx", dx);
  const Pool2dGeometry g = arguments.geometry([&] { return avg_pool2d_geometry(options, dx.shape); });
  arguments.image("dy", dy, {g.N, g.C, g.P, g.Q});
  backward(average_of(options, g), dy, dx);
  ++executed_;
}

void CpuOps::adaptive_avg_pool2d_forward(const AdaptivePool2dOptions& options, ConstView x, View y) {
  const cpu::Arguments arguments("adaptive_avg_pool2d_forward", "x", x);
  const AdaptivePool2dGeometry g = arguments.geometry([&] { return adaptive_pool2d_geometry(options, x.shape); });
  arguments.image("y", y, {g.N, g.C, g.P, g.Q});
  forward(average_of(g), x, y);
  ++executed_;
}

void CpuOps::adaptive_avg_pool2d_backward(const AdaptivePool2dOptions& options, ConstView dy, View dx) {
  const cpu::Arguments arguments("adaptive_avg_pool2d_backward", "dx", dx);
  const AdaptivePool2dGeometry g = arguments.geometry([&] { return adaptive_pool2d_geometry(options, dx.shape); });
  arguments.image("dy", dy, {g.N, g.C, g.P, g.Q});
  backward(average_of(g), dy, dx);
  ++executed_;
}

}  // namespace fovea
