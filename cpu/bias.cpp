// SPDX-License-Identifier: Apache-2.0
//
// Bias (core/ops/bias.h) in lanes. The gradient is summed in double over a fixed number of slices of the batch, which
// are then added in order: the same bits for any number of threads.
#include <vector>

#include "core/support/parallel.h"
#include "core/support/simd.h"
#include "cpu/arguments.h"
#include "cpu/cpu_ops.h"
#include "cpu/lanes.h"

namespace fovea {
namespace {

using cpu::Lanes;

FOVEA_SIMD_CLONES void add_lanes(std::int64_t positions, std::int64_t step, int width, const float* bias, float* y) {
  cpu::for_lane_groups(
      width, [&](int first, auto lanes) __attribute__((always_inline)) {
        for (std::int64_t i = 0; i < positions; ++i)
          for (int l = 0; l < lanes; ++l) y[i * step + first + l] += bias[first + l];
      });
}

FOVEA_SIMD_CLONES void sum_lanes(std::int64_t positions, std::int64_t step, int width, const float* dy, double* sum) {
  cpu::for_lane_groups(
      width, [&](int first, auto lanes) __attribute__((always_inline)) {
        double total[lanes] = {};
        for (std::int64_t i = 0; i < positions; ++i)
          for (int l = 0; l < lanes; ++l) total[l] += static_cast<double>(dy[i * step + first + l]);
        for (int l = 0; l < lanes; ++l) sum[first + l] += total[l];
      });
}

FOVEA_SIMD_CLONES void sum_row(std::int64_t count, const float* dy, double* sum) {
  double total[cpu::max_lanes] = {};
  std::int64_t i = 0;
  for (; i + cpu::max_lanes <= count; i += cpu::max_lanes)
    for (int l = 0; l < cpu::max_lanes; ++l) total[l] += static_cast<double>(dy[i + l]);
  for (; i < count; ++i) total[0] += static_cast<double>(dy[i]);
  for (const double t : total) *sum += t;
}

}  // namespace

void CpuOps::bias_add(ConstView bias, View y) {
  const cpu::Arguments arguments("bias_add", "y", y);
  arguments.demand(y.shape.rank() >= 2, "y", "[N, K, ...]", y);
  arguments.plain("bias", bias, Shape{y.shape[1]});
  const Lanes lanes = Lanes::of(y.shape, y.layout);
  const float* from = data_as<float>(bias);
  float* to = data_as<float>(y);
  const std::int64_t rows = lanes.samples * lanes.blocks;
  parallel_ranges(rows, 8192 / (lanes.positions * lanes.width) + 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t block = i % lanes.blocks;
      add_lanes(lanes.positions, lanes.step, lanes.channels_of(block), from + block * lanes.width,
                to + lanes.offset(i / lanes.blocks, block));
    }
  });
  ++executed_;
}

void CpuOps::bias_gradient(ConstView dy, View dbias, Workspace) {
  const cpu::Arguments arguments("bias_gradient", "dy", dy);
  arguments.demand(dy.shape.rank() >= 2, "dy", "[N, K, ...]", dy);
  arguments.plain("dbias", dbias, Shape{dy.shape[1]});
  const Lanes lanes = Lanes::of(dy.shape, dy.layout);
  const float* from = data_as<float>(dy);
  const std::int64_t slices = std::min<std::int64_t>(lanes.samples, 16);
  std::vector<double> sums(static_cast<std::size_t>(slices * lanes.channels));
  const auto slice_sums = [&](std::int64_t slice) {
    double* sum = sums.data() + slice * lanes.channels;
    for (std::int64_t n = lanes.samples * slice / slices; n < lanes.samples * (slice + 1) / slices; ++n)
      for (std::int64_t block = 0; block < lanes.blocks; ++block) {
        const float* values = from + lanes.offset(n, block);
        if (lanes.width == 1)
          sum_row(lanes.positions, values, sum + block);
        else
          sum_lanes(lanes.positions, lanes.step, lanes.channels_of(block), values, sum + block * lanes.width);
      }
  };
  const std::int64_t slice_elements = dy.elements() / slices;
  parallel_ranges(slices, 8192 / slice_elements + 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t slice = begin; slice < end; ++slice) slice_sums(slice);
  });
  float* to = data_as<float>(dbias);
  for (std::int64_t k = 0; k < lanes.channels; ++k) {
    double sum = 0;
    for (std::int64_t slice = 0; slice < slices; ++slice)
      sum += sums[static_cast<std::size_t>(slice * lanes.channels + k)];
    to[k] = static_cast<float>(sum);
  }
  ++executed_;
}

}  // namespace fovea
