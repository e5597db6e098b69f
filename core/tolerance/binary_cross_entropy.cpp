// SPDX-License-Identifier: Apache-2.0
#include "core/tolerance/binary_cross_entropy.h"

#include <algorithm>
#include <cmath>

#include "core/tolerance/bound.h"
#include "core/tolerance/mean_loss.h"

namespace fovea {

void binary_cross_entropy_forward_tolerance(ForwardToleranceArgs& args) {
  const Uncertain &x = args.inputs[0], &target = args.inputs[1];
  Uncertain& losses = args.saved[0];
  losses.tolerance = make_tolerance(losses.value);
  const std::int64_t N = x.value.shape()[0], M = x.value.elements() / N;
  for (std::int64_t n = 0; n < N; ++n) {
    double sum = 0, squares = 0, errors = 0, curvature = 0;
    for (std::int64_t i = n * M; i < (n + 1) * M; ++i) {
      const double logit = values(x.value)[static_cast<std::size_t>(i)];
      const double t = values(target.value)[static_cast<std::size_t>(i)];
      const double tx = tolerance_at(x, i), tt = tolerance_at(target, i);
      const double e = std::exp(-std::abs(logit)), positive = std::max(logit, 0.0), product = logit * t;
      const double log = std::log1p(e), term = positive - product + log;
      sum += term;
      squares += term * term;
      // exp and the logarithm, whose derivative is 1 / (1 + e); the product and the difference, which are exact for
      // targets that say yes or no; the sum.
      const bool exact = tt == 0 && (t == 0 || t == 1);
      const double own =
          operation_bound * (e / (1 + e) + log + term + (exact ? 0 : std::abs(product) + std::abs(positive - product)));
      const double sigmoid = 1 / (1 + std::exp(-logit));
      errors += own * own + std::pow((sigmoid - t) * tx, 2) + std::pow(logit * tt, 2);
      curvature += tx * tx / 8 + tx * tt;  // the second derivatives are at most 1/4, and 1
    }
    const double m = static_cast<double>(M);
    const double total = std::hypot(sum_tolerance(m, sum, squares), std::sqrt(errors)) + curvature;
    losses.tolerance.span<double>()[static_cast<std::size_t>(n)] =
        total / m + operation_bound * values(losses.value)[static_cast<std::size_t>(n)] + smallest_normal;
  }
  mean_loss_tolerance(losses, args.output);
}

void binary_cross_entropy_backward_tolerance(BackwardToleranceArgs& args) {
  const Uncertain &x = args.inputs[0], &target = args.inputs[1], &dloss = args.output_gradient;
  Uncertain& dx = args.input_gradients[0];
  if (dx.value.empty()) return;
  const double count = static_cast<double>(dx.value.elements());
  const double scale = values(dloss.value)[0] / count, scale_tolerance = tolerance_at(dloss, 0) / count;
  dx.tolerance = make_tolerance(dx.value);
  for (std::int64_t i = 0; i < dx.value.elements(); ++i) {
    const auto at = static_cast<std::size_t>(i);
    const double tx = tolerance_at(x, i), t = values(target.value)[at];
    const double sigmoid = 1 / (1 + std::exp(-values(x.value)[at])), slope = sigmoid - t;
    // exp, 1 + e and the quotient; then dloss / (N M), the difference and the product.
    const double own = operation_bound * std::abs(scale) * (3 * sigmoid + 3 * std::abs(slope)) + smallest_normal;
    // sigmoid' = sigmoid (1 - sigmoid); exp(tx) covers its change on the way.
    const double from_x = sigmoid * (1 - sigmoid) * tx * std::exp(tx);
    dx.tolerance.span<double>()[at] =
        std::sqrt(own * own + scale * scale * (from_x * from_x + std::pow(tolerance_at(target, i), 2)) +
                  std::pow(slope * scale_tolerance, 2));
  }
}

}  // namespace fovea
