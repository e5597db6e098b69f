// SPDX-License-Identifier: Apache-2.0
//
// The SGD step (core/ops/sgd.h) in one pass over weights, gradients and momenta: 20 bytes of traffic for a parameter.
// The same operations in the same order as the reference, so the same bits.
#include "core/support/parallel.h"
#include "core/support/simd.h"
#include "cpu/arguments.h"
#include "cpu/cpu_ops.h"
#include "cpu_reference/weight_copy.h"

namespace fovea {
namespace {

FOVEA_SIMD_CLONES void step(const SgdOptions& options, std::int64_t count, float* w, const float* g, float* v) {
  const float rate = options.learning_rate, momentum = options.momentum, decay = options.weight_decay;
  const bool nesterov = options.nesterov;
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i) {
    const float gradient = g[i] + decay * w[i];
    const float velocity = momentum * v[i] + gradient;
    v[i] = velocity;
    w[i] = w[i] - rate * (nesterov ? gradient + momentum * velocity : velocity);
  }
}

}  // namespace

void CpuOps::sgd_step(const SgdOptions& options, View w, ConstView g, View v, View copy) {
  const cpu::Arguments arguments("sgd_step", "w", w);
  arguments.plain("g", g, w.shape);
  arguments.plain("v", v, w.shape);
  reference::check_copy(arguments, w, copy);
  if (is_halted(options.memory.halt)) return;
  float *weights = data_as<float>(w), *momenta = data_as<float>(v);
  const float* gradients = data_as<float>(g);
  parallel_ranges(w.elements(), 1 << 12, [&](std::int64_t begin, std::int64_t end) {
    step(options, end - begin, weights + begin, gradients + begin, momenta + begin);
  });
  reference::write_copy(w, copy);
  ++executed_;
}

}  // namespace fovea
