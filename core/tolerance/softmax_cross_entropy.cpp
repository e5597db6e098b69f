// SPDX-License-Identifier: Apache-2.0
#include "core/tolerance/softmax_cross_entropy.h"

#include <cmath>

#include "core/tolerance/bound.h"
#include "core/tolerance/mean_loss.h"
#include "core/tolerance/softmax.h"

namespace fovea {
namespace {

using Geometry = SoftmaxCrossEntropyGeometry;

// The options and the class weights in float64.
struct Terms {
  double hit, spread;           // 1 - e, e / C
  std::vector<double> weights;  // of each class
  double class_sum = 0;
  bool plain;  // neither smoothing nor weights: nothing but nll of the label is computed

  Terms(const SoftmaxCrossEntropyOptions& options, std::span<const Uncertain> state, std::int64_t C)
      : hit(1 - options.label_smoothing),
        spread(options.label_smoothing / static_cast<double>(C)),
        weights(static_cast<std::size_t>(C), 1.0),
        plain(options.label_smoothing == 0 && state.empty()) {
    if (!state.empty()) weights.assign(values(state[0].value).begin(), values(state[0].value).end());
    for (const double w : weights) class_sum += w;
  }
};

std::size_t element(const Geometry& g, std::int64_t row, std::int64_t c) {
  return static_cast<std::size_t>((row / g.positions * g.C + c) * g.positions + row % g.positions);
}

// [N, C, positions] as [N * positions, C]: a row for each position.
Tensor as_rows(const Geometry& g, const Tensor& t) {
  if (t.empty()) return t;
  Tensor rows({g.N * g.positions, g.C}, DType::f64);
  auto out = rows.span<double>().begin();
  for (std::int64_t row = 0; row < g.N * g.positions; ++row)
    for (std::int64_t c = 0; c < g.C; ++c) *out++ = values(t)[element(g, row, c)];
  return rows;
}

// Of one position's loss: hit w_t nll_t + spread * sum of w_c nll_c, nll_c = log z + (m - x_c).
double loss_tolerance(const Terms& o, const SoftmaxRow& row, std::span<const double> x, std::size_t label,
                      double loss) {
  const double log_sum = std::log(row.sum);
  const double of_log = row.sum_tolerance / row.sum + operation_bound * std::abs(log_sum) + smallest_normal;
  // Rounding of m - x_c and of the sum, each at its own size.
  const auto of_class = [&](std::size_t c) {
    const double difference = row.maximum - x[c];
    return operation_bound * (std::abs(difference) + std::abs(log_sum + difference));
  };
  if (o.plain) return of_log + of_class(label);
  // Two products and the rounding of the factors; then the sum of both terms.
  const double factor = o.hit * o.weights[label];
  const double of_label = factor * (log_sum + row.maximum - x[label]);
  double own = factor * (of_log + of_class(label)) + operation_bound * (2 * std::abs(of_label) + std::abs(loss)) +
               smallest_normal;
  if (o.spread == 0) return own;
  double sum = 0, squares = 0, errors = 0;
  for (std::size_t c = 0; c < x.size(); ++c) {
    const double term = o.weights[c] * (log_sum + row.maximum - x[c]);
    sum += term;
    squares += term * term;
    errors += std::pow(o.weights[c] * of_class(c), 2);
  }
  // log z is one value in all terms, so its error adds up; the others are independent.
  own += o.spread * (o.class_sum * of_log + std::sqrt(errors) +
                     sum_tolerance(static_cast<double>(x.size()), sum, squares) + operation_bound * std::abs(sum));
  return own;
}

}  // namespace

void softmax_cross_entropy_forward_tolerance(ForwardToleranceArgs& args, const SoftmaxCrossEntropyOptions& options) {
  const auto labels = args.inputs[1].value.span<std::int32_t>();
  const Geometry g =
      softmax_cross_entropy_geometry(options, args.inputs[0].value.shape(), args.inputs[1].value.shape());
  const Terms o(options, args.state, g.C);
  const Uncertain logits{as_rows(g, args.inputs[0].value), as_rows(g, args.inputs[0].tolerance)};
  Uncertain &probabilities = args.saved[0], &losses = args.saved[1], &total_weight = args.saved[2];
  probabilities.tolerance = make_tolerance(probabilities.value);
  losses.tolerance = make_tolerance(losses.value);
  double weight_squares = 0;
  for (std::int64_t n = 0; n < g.N * g.positions; ++n) {
    const SoftmaxRow row = softmax_row(logits, n);
    const auto label = static_cast<std::size_t>(labels[static_cast<std::size_t>(n)]);
    const double factor = o.hit * o.weights[label];
    double propagated = 0;  // d loss = sum_c (factor (p_c - [c == label]) + spread (p_c class_sum - w_c)) d logit_c
    for (std::int64_t c = 0; c < g.C; ++c) {
      const auto place = static_cast<std::size_t>(c);
      const std::size_t at = element(g, n, c);
      probabilities.tolerance.span<double>()[at] = std::hypot(row.own[place], row.propagated[place]);
      const double p = values(probabilities.value)[at];
      const double slope = factor * (p - (place == label ? 1 : 0)) + o.spread * (p * o.class_sum - o.weights[place]);
      propagated += std::pow(slope * tolerance_at(logits, n * g.C + c), 2);
    }
    const double loss = values(losses.value)[static_cast<std::size_t>(n)];
    const auto x = values(logits.value).subspan(static_cast<std::size_t>(n * g.C), static_cast<std::size_t>(g.C));
    // widest^2 / 2: the loss's curvature.
    losses.tolerance.span<double>()[static_cast<std::size_t>(n)] =
        std::hypot(loss_tolerance(o, row, x, label, loss), std::sqrt(propagated)) +
        (factor + o.spread * o.class_sum) * row.widest * row.widest / 2;
    weight_squares += std::pow(o.weights[label], 2);
  }
  // Without class weights total_weight is a number of losses: exact up to 2^24.
  const double total = values(total_weight.value)[0];
  const double total_tolerance = args.state.empty()
                                     ? (total > 0x1p24 ? unit_roundoff * total : 0)
                                     : sum_tolerance(static_cast<double>(g.N * g.positions), total, weight_squares);
  total_weight.tolerance = make_tolerance(total_weight.value);
  total_weight.tolerance.span<double>()[0] = total_tolerance;
  mean_loss_tolerance(losses, total, total_tolerance, args.output);
}

void softmax_cross_entropy_backward_tolerance(BackwardToleranceArgs& args, const SoftmaxCrossEntropyOptions& options) {
  const Uncertain &probabilities = args.saved[0], &total_weight = args.saved[2], &dloss = args.output_gradient;
  Uncertain& dlogits = args.input_gradients[0];
  if (dlogits.value.empty()) return;
  const auto labels = args.inputs[1].value.span<std::int32_t>();
  const Geometry g = softmax_cross_entropy_geometry(options, probabilities.value.shape(), args.inputs[1].value.shape());
  const Terms o(options, args.state, g.C);
  const double total = values(total_weight.value)[0], scale = values(dloss.value)[0] / total;
  const double scale_tolerance =
      std::hypot(tolerance_at(dloss, 0) / total, scale * tolerance_at(total_weight, 0) / total);
  dlogits.tolerance = make_tolerance(dlogits.value);
  for (std::int64_t row = 0; row < g.N * g.positions; ++row)
    for (std::int64_t c = 0; c < g.C; ++c) {
      const std::size_t at = element(g, row, c);
      const auto label = static_cast<std::size_t>(labels[static_cast<std::size_t>(row)]);
      const double p = values(probabilities.value)[at], factor = o.hit * o.weights[label];
      const double of_label = factor * (p - (static_cast<std::size_t>(c) == label ? 1 : 0));
      const double of_class = o.spread * (p * o.class_sum - o.weights[static_cast<std::size_t>(c)]);
      const double slope = of_label + of_class;
      // dloss / total_weight, p - 1 and their product; else also the factors, each product and each difference.
      double own = 3 * operation_bound * std::abs(scale * slope) + smallest_normal;
      if (!o.plain)
        own += operation_bound * std::abs(scale) *
               (3 * std::abs(of_label) + 3 * std::abs(of_class) + 2 * o.spread * p * o.class_sum);
      dlogits.tolerance.span<double>()[at] = std::hypot(
          own, scale * (factor + o.spread * o.class_sum) * tolerance_at(probabilities, static_cast<std::int64_t>(at)),
          slope * scale_tolerance);
    }
}

}  // namespace fovea
