// SPDX-License-Identifier: Apache-2.0
#include "core/tolerance/softmax_cross_entropy.h"

#include <cmath>

#include "core/tolerance/bound.h"
#include "core/tolerance/softmax.h"

namespace fovea {

void softmax_cross_entropy_forward_tolerance(ForwardToleranceArgs& args) {
  const Uncertain& logits = args.inputs[0];
  const auto labels = args.inputs[1].value.span<std::int32_t>();
  Uncertain &probabilities = args.saved[0], &losses = args.saved[1];
  const std::int64_t rows = logits.value.shape()[0], classes = logits.value.shape()[1];
  probabilities.tolerance = make_tolerance(probabilities.value);
  losses.tolerance = make_tolerance(losses.value);
  double squares = 0, errors = 0;
  for (std::int64_t n = 0; n < rows; ++n) {
    const SoftmaxRow row = softmax_row(logits, n);
    double propagated = 0;  // d loss = sum_c (p_c - [c == label]) d logit_c
    for (std::int64_t c = 0; c < classes; ++c) {
      const auto at = static_cast<std::size_t>(n * classes + c);
      const auto place = static_cast<std::size_t>(c);
      probabilities.tolerance.span<double>()[at] = std::hypot(row.own[place], row.propagated[place]);
      const double p = values(probabilities.value)[at];
      const double slope = p - (c == labels[static_cast<std::size_t>(n)] ? 1 : 0);
      propagated += std::pow(slope * tolerance_at(logits, n * classes + c), 2);
    }
    // log z + (m - logit[label]), each rounded at its own size. widest^2 / 2: the loss's curvature.
    const double loss = values(losses.value)[static_cast<std::size_t>(n)];
    const double log_sum = std::log(row.sum), difference = loss - log_sum;
    const double own = row.sum_tolerance / row.sum + smallest_normal +
                       operation_bound * (std::abs(log_sum) + std::abs(difference) + std::abs(loss));
    const double total = std::hypot(own, std::sqrt(propagated)) + row.widest * row.widest / 2;
    losses.tolerance.span<double>()[static_cast<std::size_t>(n)] = total;
    squares += loss * loss;
    errors += total * total;
  }
  const double count = static_cast<double>(rows), mean = values(args.output.value)[0];
  const double own = sum_tolerance(count, mean, squares / (count * count)) + operation_bound * std::abs(mean);
  args.output.tolerance = make_tolerance(args.output.value);
  args.output.tolerance.span<double>()[0] = std::hypot(own, std::sqrt(errors) / count);
}

void softmax_cross_entropy_backward_tolerance(BackwardToleranceArgs& args) {
  const Uncertain &probabilities = args.saved[0], &dloss = args.output_gradient;
  Uncertain& dlogits = args.input_gradients[0];
  if (dlogits.value.empty()) return;
  const auto labels = args.inputs[1].value.span<std::int32_t>();
  const std::int64_t rows = probabilities.value.shape()[0], classes = probabilities.value.shape()[1];
  const double scale = values(dloss.value)[0] / static_cast<double>(rows);
  const double scale_tolerance = tolerance_at(dloss, 0) / static_cast<double>(rows);
  dlogits.tolerance = make_tolerance(dlogits.value);
  for (std::int64_t i = 0; i < rows * classes; ++i) {
    const auto at = static_cast<std::size_t>(i);
    const bool hit = i % classes == labels[static_cast<std::size_t>(i / classes)];
    const double slope = values(probabilities.value)[at] - (hit ? 1 : 0);
    // dloss / N, p - 1 and their product.
    const double own = 3 * operation_bound * std::abs(scale * slope) + smallest_normal;
    dlogits.tolerance.span<double>()[at] =
        std::hypot(own, scale * tolerance_at(probabilities, i), slope * scale_tolerance);
  }
}

}  // namespace fovea
