// SPDX-License-Identifier: Apache-2.0
//
// ReLU (core/ops/relu.h), element by element over all that lies in memory: the padding of blocked layouts is 0 and stays
// 0. oneDNN's ReLU, also as a post-operation of its convolutions, turns NaN into 0; ours must keep it.
#include "core/support/parallel.h"
#include "core/support/simd.h"
#include "cpu/arguments.h"
#include "cpu/cpu_ops.h"

namespace fovea {
namespace {

constexpr std::int64_t grain = 1 << 13;  // elements worth a thread

FOVEA_SIMD_CLONES void keep_positive(std::int64_t count, const float* x, float* y) {
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i) y[i] = x[i] <= 0 ? 0.0f : x[i];
}

FOVEA_SIMD_CLONES void pass_positive(std::int64_t count, const float* y, const float* dy, float* dx) {
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i) dx[i] = y[i] <= 0 ? 0.0f : dy[i];
}

}  // namespace

void CpuOps::relu_forward(ConstView x, View y) {
  const cpu::Arguments arguments("relu_forward", "x", x);
  arguments.image("y", y, x.shape);
  const float* from = data_as<float>(x);
  float* to = data_as<float>(y);
  parallel_ranges(storage_elements(x.shape, x.layout), grain,
                  [&](std::int64_t begin, std::int64_t end) { keep_positive(end - begin, from + begin, to + begin); });
  ++executed_;
}

void CpuOps::relu_backward(ConstView y, ConstView dy, View dx) {
  const cpu::Arguments arguments("relu_backward", "y", y);
  arguments.image("dy", dy, y.shape);
  arguments.image("dx", dx, y.shape);
  const float *output = data_as<float>(y), *from = data_as<float>(dy);
  float* to = data_as<float>(dx);
  parallel_ranges(storage_elements(y.shape, y.layout), grain, [&](std::int64_t begin, std::int64_t end) {
    pass_positive(end - begin, output + begin, from + begin, to + begin);
  });
  ++executed_;
}

}  // namespace fovea
