// SPDX-License-Identifier: Apache-2.0
//
// Sums of two values (core/ops/add.h), with or without a ReLU on the way.
#include <cstring>

#include "core/support/parallel.h"
#include "core/support/simd.h"
#include "cpu/arguments.h"
#include "cpu/cpu_ops.h"

namespace fovea {
namespace {

constexpr std::int64_t grain = 1 << 13;

FOVEA_SIMD_CLONES void sum(std::int64_t count, const float* a, const float* b, float* y) {
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i) y[i] = a[i] + b[i];
}

FOVEA_SIMD_CLONES void positive_sum(std::int64_t count, const float* a, const float* b, float* y) {
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i) {
    const float s = a[i] + b[i];
    y[i] = s <= 0 ? 0.0f : s;  // keeps NaN
  }
}

void add(const char* name, ConstView a, ConstView b, View y,
         void (*loop)(std::int64_t, const float*, const float*, float*)) {
  const cpu::Arguments arguments(name, "a", a);
  arguments.image("b", b, a.shape);
  arguments.image("y", y, a.shape);
  const float *left = data_as<float>(a), *right = data_as<float>(b);
  float* to = data_as<float>(y);
  parallel_ranges(storage_elements(a.shape, a.layout), grain, [&](std::int64_t begin, std::int64_t end) {
    loop(end - begin, left + begin, right + begin, to + begin);
  });
}

}  // namespace

void CpuOps::add_forward(ConstView a, ConstView b, View y) {
  add("add_forward", a, b, y, sum);
  ++executed_;
}

void CpuOps::add_forward_relu(ConstView a, ConstView b, View y) {
  add("add_forward_relu", a, b, y, positive_sum);
  ++executed_;
}

void CpuOps::add_backward(ConstView dy, View dx) {
  const cpu::Arguments arguments("add_backward", "dy", dy);
  arguments.image("dx", dx, dy.shape);
  const float* from = data_as<float>(dy);
  float* to = data_as<float>(dx);
  parallel_ranges(storage_elements(dy.shape, dy.layout), grain, [&](std::int64_t begin, std::int64_t end) {
    std::memcpy(to + begin, from + begin, static_cast<std::size_t>(end - begin) * sizeof(float));
  });
  ++executed_;
}

}  // namespace fovea
