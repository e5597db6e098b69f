// SPDX-License-Identifier: Apache-2.0
#include "core/tolerance/mean_squared_error.h"

#include <cmath>

#include "core/tolerance/bound.h"
#include "core/tolerance/mean_loss.h"

namespace fovea {

void mean_squared_error_forward_tolerance(ForwardToleranceArgs& args) {
  const Uncertain &x = args.inputs[0], &target = args.inputs[1];
  Uncertain& losses = args.saved[0];
  losses.tolerance = make_tolerance(losses.value);
  const std::int64_t N = x.value.shape()[0], M = x.value.elements() / N;
  for (std::int64_t n = 0; n < N; ++n) {
    double sum = 0, squares = 0, errors = 0, curvature = 0;
    for (std::int64_t i = n * M; i < (n + 1) * M; ++i) {
      const auto at = static_cast<std::size_t>(i);
      const double difference = values(x.value)[at] - values(target.value)[at], term = difference * difference;
      const double incoming = std::hypot(tolerance_at(x, i), tolerance_at(target, i));
      sum += term;
      squares += term * term;
      // The difference is rounded, which its square doubles; d(difference^2) = 2 difference d(difference).
      errors += std::pow(2 * operation_bound * term, 2) + std::pow(2 * difference * incoming, 2);
      curvature += incoming * incoming;
    }
    const double m = static_cast<double>(M);
    const double total = std::hypot(sum_tolerance(m, sum, squares), std::sqrt(errors)) + curvature;
    losses.tolerance.span<double>()[static_cast<std::size_t>(n)] =
        total / m + operation_bound * values(losses.value)[static_cast<std::size_t>(n)];
  }
  mean_loss_tolerance(losses, args.output);
}

void mean_squared_error_backward_tolerance(BackwardToleranceArgs& args) {
  const Uncertain &x = args.inputs[0], &target = args.inputs[1], &dloss = args.output_gradient;
  Uncertain& dx = args.input_gradients[0];
  if (dx.value.empty()) return;
  const double count = static_cast<double>(dx.value.elements());
  const double scale = 2 * values(dloss.value)[0] / count, scale_tolerance = 2 * tolerance_at(dloss, 0) / count;
  dx.tolerance = make_tolerance(dx.value);
  for (std::int64_t i = 0; i < dx.value.elements(); ++i) {
    const auto at = static_cast<std::size_t>(i);
    const double difference = values(x.value)[at] - values(target.value)[at];
    // The quotient (doubling is exact), the difference, and their product.
    const double own = 3 * operation_bound * std::abs(scale * difference) + smallest_normal;
    const double incoming = std::hypot(tolerance_at(x, i), tolerance_at(target, i));
    dx.tolerance.span<double>()[at] = std::hypot(own, std::hypot(scale * incoming, difference * scale_tolerance));
  }
}

}  // namespace fovea
