// SPDX-License-Identifier: Apache-2.0
#include "core/tolerance/sgd.h"

#include <cmath>

#include "core/tolerance/bound.h"

namespace fovea {

void sgd_tolerance(const SgdOptions& options, const Uncertain& w, const Uncertain& g, const Uncertain& v,
                   Uncertain& new_w, Uncertain& new_v) {
  const double rate = options.learning_rate, momentum = options.momentum, decay = options.weight_decay;
  new_w.tolerance = make_tolerance(new_w.value);
  new_v.tolerance = make_tolerance(new_v.value);
  for (std::int64_t i = 0; i < w.value.elements(); ++i) {
    const auto at = static_cast<std::size_t>(i);
    const double w0 = values(w.value)[at], g0 = values(g.value)[at], v0 = values(v.value)[at];
    const double tw = tolerance_at(w, i), tg = tolerance_at(g, i), tv = tolerance_at(v, i);
    // Each product and each sum is rounded at its own size; a fused multiply-add only saves a rounding.
    const double gradient = g0 + decay * w0;
    const double gradient_tolerance =
        tg + decay * tw + operation_bound * (std::abs(decay * w0) + std::abs(gradient)) + smallest_normal;
    const double velocity = momentum * v0 + gradient;
    const double velocity_tolerance = momentum * tv + gradient_tolerance +
                                      operation_bound * (std::abs(momentum * v0) + std::abs(velocity)) +
                                      smallest_normal;
    double step = velocity, step_tolerance = velocity_tolerance;
    if (options.nesterov) {
      step = gradient + momentum * velocity;
      step_tolerance = gradient_tolerance + momentum * velocity_tolerance +
                       operation_bound * (std::abs(momentum * velocity) + std::abs(step)) + smallest_normal;
    }
    const double result = w0 - rate * step;
    new_v.tolerance.span<double>()[at] = velocity_tolerance;
    new_w.tolerance.span<double>()[at] =
        tw + rate * step_tolerance + operation_bound * (std::abs(rate * step) + std::abs(result)) + smallest_normal;
  }
}

}  // namespace fovea
