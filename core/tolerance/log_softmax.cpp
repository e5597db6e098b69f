// SPDX-License-Identifier: Apache-2.0
#include "core/tolerance/log_softmax.h"

#include <algorithm>
#include <cmath>

#include "core/tolerance/bound.h"
#include "core/tolerance/softmax.h"

namespace fovea {

void log_softmax_forward_tolerance(ForwardToleranceArgs& args) {
  const Uncertain& x = args.inputs[0];
  const std::int64_t rows = x.value.shape()[0], classes = x.value.shape()[1];
  args.output.tolerance = make_tolerance(args.output.value);
  for (std::int64_t n = 0; n < rows; ++n) {
    const SoftmaxRow row = softmax_row(x, n);
    const double log_sum = std::log(row.sum);
    const double of_log = row.sum_tolerance / row.sum + operation_bound * std::abs(log_sum);
    // d y_c = d x_c - sum_j p_j d x_j, and widest^2 / 2: the curvature of log z.
    const auto probability = [&](std::int64_t j) {
      return std::exp(values(args.output.value)[static_cast<std::size_t>(j)]);
    };
    double spread = 0;
    for (std::int64_t j = n * classes; j < (n + 1) * classes; ++j)
      spread += std::pow(probability(j) * tolerance_at(x, j), 2);
    for (std::int64_t c = n * classes; c < (n + 1) * classes; ++c) {
      const double y = values(args.output.value)[static_cast<std::size_t>(c)], t = tolerance_at(x, c);
      const double own = of_log + operation_bound * (std::abs(y + log_sum) + std::abs(y)) + smallest_normal;
      const double others = std::max(spread - std::pow(probability(c) * t, 2), 0.0);
      args.output.tolerance.span<double>()[static_cast<std::size_t>(c)] =
          std::sqrt(own * own + std::pow((1 - probability(c)) * t, 2) + others) + row.widest * row.widest / 2;
    }
  }
}

void log_softmax_backward_tolerance(BackwardToleranceArgs& args) {
  const Uncertain &y = args.output, &dy = args.output_gradient;
  Uncertain& dx = args.input_gradients[0];
  if (dx.value.empty()) return;
  dx.tolerance = make_tolerance(dx.value);
  const std::int64_t rows = y.value.shape()[0], classes = y.value.shape()[1];
  for (std::int64_t n = 0; n < rows; ++n) {
    double sum = 0, squares = 0, from_all = 0;  // sum_j dy_j
    for (std::int64_t j = n * classes; j < (n + 1) * classes; ++j) {
      const double gradient = values(dy.value)[static_cast<std::size_t>(j)];
      sum += gradient;
      squares += gradient * gradient;
      from_all += std::pow(tolerance_at(dy, j), 2);
    }
    const double sum_own = sum_tolerance(static_cast<double>(classes), sum, squares);
    for (std::int64_t c = n * classes; c < (n + 1) * classes; ++c) {
      const auto at = static_cast<std::size_t>(c);
      const double p = std::exp(values(y.value)[at]), tdy = tolerance_at(dy, c), ty = tolerance_at(y, c);
      // exp(y), its product with the sum, and the difference.
      const double own =
          p * sum_own + operation_bound * (2 * std::abs(p * sum) + std::abs(values(dx.value)[at])) + smallest_normal;
      const double others = std::max(from_all - tdy * tdy, 0.0);
      const double from_y = p * std::expm1(ty) * (std::abs(sum) + std::sqrt(from_all));
      dx.tolerance.span<double>()[at] =
          std::sqrt(own * own + std::pow((1 - p) * tdy, 2) + p * p * others + from_y * from_y);
    }
  }
}

}  // namespace fovea
