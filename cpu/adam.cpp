// SPDX-License-Identifier: Apache-2.0
//
// The step of Adam and AdamW (core/ops/adam.h) in one pass over weights, gradients and both moments: 28 bytes of traffic
// for a parameter. The same operations in the same order as the reference, so the same bits: divisions and roots are
// rounded correctly in vectors too.
#include <cmath>

#include "core/support/parallel.h"
#include "core/support/simd.h"
#include "cpu/arguments.h"
#include "cpu/cpu_ops.h"
#include "cpu_reference/weight_copy.h"

namespace fovea {
namespace {

FOVEA_SIMD_CLONES void step(const AdamFactors<float>& f, std::int64_t count, float* w, const float* g, float* m,
                            float* v) {
  const float decay = f.added_decay, rest1 = f.rest1, beta2 = f.beta2, rest2 = f.rest2;
  const float root2 = f.root2, epsilon = f.epsilon, rate = f.rate;
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i) {
    const float gradient = g[i] + decay * w[i];
    m[i] = m[i] + rest1 * (gradient - m[i]);
    v[i] = beta2 * v[i] + rest2 * (gradient * gradient);
    w[i] = w[i] - rate * (m[i] / (std::sqrt(v[i]) / root2 + epsilon));
  }
}

FOVEA_SIMD_CLONES void decoupled_step(const AdamFactors<float>& f, std::int64_t count, float* w, const float* g,
                                      float* m, float* v) {
  const float keep = f.keep, rest1 = f.rest1, beta2 = f.beta2, rest2 = f.rest2;
  const float root2 = f.root2, epsilon = f.epsilon, rate = f.rate;
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i) {
    m[i] = m[i] + rest1 * (g[i] - m[i]);
    v[i] = beta2 * v[i] + rest2 * (g[i] * g[i]);
    w[i] = keep * w[i] - rate * (m[i] / (std::sqrt(v[i]) / root2 + epsilon));
  }
}

}  // namespace

void CpuOps::adam_step(const AdamOptions& options, View w, ConstView g, View m, View v, View copy) {
  const cpu::Arguments arguments("adam_step", "w", w);
  arguments.plain("g", g, w.shape);
  arguments.plain("m", m, w.shape);
  arguments.plain("v", v, w.shape);
  reference::check_copy(arguments, w, copy);
  if (is_halted(options.memory.halt)) return;
  float *weights = data_as<float>(w), *means = data_as<float>(m), *squares = data_as<float>(v);
  const float* gradients = data_as<float>(g);
  const AdamFactors<float> factors(options);
  const auto loop = options.decoupled ? decoupled_step : step;
  parallel_ranges(w.elements(), 1 << 12, [&](std::int64_t begin, std::int64_t end) {
    loop(factors, end - begin, weights + begin, gradients + begin, means + begin, squares + begin);
  });
  reference::write_copy(w, copy);
  ++executed_;
}

}  // namespace fovea
