// SPDX-License-Identifier: Apache-2.0
#include "core/tolerance/softmax.h"

#include <algorithm>
#include <cmath>

#include "core/tolerance/bound.h"

namespace fovea {

SoftmaxRow softmax_row(const Uncertain& x, std::int64_t row) {
  const std::int64_t classes = x.value.shape()[1], first = row * classes;
  const auto in = values(x.value).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(classes));
  SoftmaxRow result;
  result.maximum = *std::max_element(in.begin(), in.end());

  // Relative error of exp(x - m): the difference is rounded, which the exponential turns into |x - m| roundings.
  std::vector<double> exponential(in.size()), relative(in.size());
  double squares = 0, exponential_errors = 0;
  for (std::size_t c = 0; c < in.size(); ++c) {
    const double difference = in[c] - result.maximum;
    exponential[c] = std::exp(difference);
    relative[c] = exponential[c] > 0 ? operation_bound * (1 - difference) : 0;  // exp(-infinity) is 0 everywhere
    result.sum += exponential[c];
    squares += exponential[c] * exponential[c];
    exponential_errors += std::pow(exponential[c] * relative[c], 2);
    result.widest = std::max(result.widest, tolerance_at(x, first + static_cast<std::int64_t>(c)));
  }
  result.sum_tolerance =
      std::hypot(sum_tolerance(static_cast<double>(classes), result.sum, squares), std::sqrt(exponential_errors));

  // d y_c = y_c (d x_c - sum_j y_j d x_j); exp(2 widest) covers the change of y itself on the way.
  double spread = 0;
  for (std::size_t j = 0; j < in.size(); ++j) {
    spread += std::pow(exponential[j] / result.sum * tolerance_at(x, first + static_cast<std::int64_t>(j)), 2);
  }
  for (std::size_t c = 0; c < in.size(); ++c) {
    const double y = exponential[c] / result.sum, t = tolerance_at(x, first + static_cast<std::int64_t>(c));
    result.own.push_back(y * (std::hypot(relative[c], result.sum_tolerance / result.sum) + operation_bound) +
                         smallest_normal);
    const double others = std::max(spread - std::pow(y * t, 2), 0.0);
    result.propagated.push_back(y * std::sqrt(std::pow((1 - y) * t, 2) + others) * std::exp(2 * result.widest));
  }
  return result;
}

void softmax_forward_tolerance(ForwardToleranceArgs& args) {
  const std::int64_t rows = args.inputs[0].value.shape()[0];
  args.output.tolerance = make_tolerance(args.output.value);
  auto out = args.output.tolerance.span<double>().begin();
  for (std::int64_t n = 0; n < rows; ++n) {
    const SoftmaxRow row = softmax_row(args.inputs[0], n);
    for (std::size_t c = 0; c < row.own.size(); ++c) *out++ = std::hypot(row.own[c], row.propagated[c]);
  }
}

void softmax_backward_tolerance(BackwardToleranceArgs& args) {
  const Uncertain &y = args.output, &dy = args.output_gradient;
  Uncertain& dx = args.input_gradients[0];
  if (dx.value.empty()) return;
  dx.tolerance = make_tolerance(dx.value);
  const std::int64_t rows = y.value.shape()[0], classes = y.value.shape()[1];
  const auto yv = values(y.value), dyv = values(dy.value);
  for (std::int64_t n = 0; n < rows; ++n) {
    double dot = 0, squares = 0, from_all = 0;  // dot = sum_j dy_j y_j
    for (std::int64_t j = n * classes; j < (n + 1) * classes; ++j) {
      const auto at = static_cast<std::size_t>(j);
      dot += dyv[at] * yv[at];
      squares += std::pow(dyv[at] * yv[at], 2);
      from_all += std::pow(yv[at] * tolerance_at(dy, j), 2) + std::pow(dyv[at] * tolerance_at(y, j), 2);
    }
    const double dot_tolerance = sum_tolerance(static_cast<double>(classes), dot, squares);
    for (std::int64_t c = n * classes; c < (n + 1) * classes; ++c) {
      const auto at = static_cast<std::size_t>(c);
      const double result = std::abs(values(dx.value)[at]);
      const double ty = tolerance_at(y, c), tdy = tolerance_at(dy, c), bracket = dyv[at] - dot;
      // The reduction, then the difference and the product.
      const double own = yv[at] * dot_tolerance + 2 * operation_bound * result + smallest_normal;
      // Replace element c's part of the sum over all j by its own derivative.
      const double others = std::max(from_all - std::pow(yv[at] * tdy, 2) - std::pow(dyv[at] * ty, 2), 0.0);
      const double from_dy = yv[at] * (1 - yv[at]) * tdy, from_y = (bracket - yv[at] * dyv[at]) * ty;
      dx.tolerance.span<double>()[at] =
          std::sqrt(own * own + yv[at] * yv[at] * others + from_dy * from_dy + from_y * from_y);
    }
  }
}

}  // namespace fovea
