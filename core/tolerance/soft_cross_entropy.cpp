// SPDX-License-Identifier: Apache-2.0
#include "core/tolerance/soft_cross_entropy.h"

#include <cmath>

#include "core/tolerance/bound.h"
#include "core/tolerance/mean_loss.h"
#include "core/tolerance/softmax.h"

namespace fovea {
namespace {

// Where the classes of one position lie, and what the options make of its targets, in float64.
class Positions {
 public:
  Positions(const SoftmaxCrossEntropyOptions& options, std::span<const Uncertain> state, const Shape& logits)
      : g_(soft_cross_entropy_geometry(options, logits, logits)),
        hit_(1 - options.label_smoothing),
        spread_(options.label_smoothing / static_cast<double>(g_.C)),
        weights_(at(g_.C), 1.0) {
    if (!state.empty()) weights_.assign(values(state[0].value).begin(), values(state[0].value).end());
  }
  std::int64_t count() const { return g_.N * g_.positions; }
  std::int64_t classes() const { return g_.C; }
  std::int64_t element(std::int64_t position, std::int64_t c) const {
    return (position / g_.positions * g_.C + c) * g_.positions + position % g_.positions;
  }
  double share(std::int64_t c, double target) const { return weights_[at(c)] * (hit_ * target + spread_); }
  // [N, C, positions] as [N * positions, C]: a row for each position.
  Tensor as_rows(const Tensor& t) const {
    if (t.empty()) return t;
    Tensor rows({count(), g_.C}, DType::f64);
    auto out = rows.span<double>().begin();
    for (std::int64_t i = 0; i < count(); ++i)
      for (std::int64_t c = 0; c < g_.C; ++c) *out++ = values(t)[at(element(i, c))];
    return rows;
  }

 private:
  SoftmaxCrossEntropyGeometry g_;
  double hit_, spread_;  // 1 - e, e / C
  std::vector<double> weights_;
};

}  // namespace

void soft_cross_entropy_forward_tolerance(ForwardToleranceArgs& args, const SoftmaxCrossEntropyOptions& options) {
  const Uncertain& targets = args.inputs[1];  // exact: what one_hot made of labels, or given
  const Positions o(options, args.state, args.inputs[0].value.shape());
  const Uncertain logits{o.as_rows(args.inputs[0].value), o.as_rows(args.inputs[0].tolerance)};
  Uncertain &probabilities = args.saved[0], &losses = args.saved[1];
  probabilities.tolerance = make_tolerance(probabilities.value);
  losses.tolerance = make_tolerance(losses.value);
  for (std::int64_t i = 0; i < o.count(); ++i) {
    const SoftmaxRow row = softmax_row(logits, i);
    const double log_sum = std::log(row.sum);
    const double of_log = row.sum_tolerance / row.sum + operation_bound * std::abs(log_sum) + smallest_normal;
    double all_shares = 0, sum = 0, squares = 0, errors = 0;
    for (std::int64_t c = 0; c < o.classes(); ++c) {
      const double share = o.share(c, values(targets.value)[at(o.element(i, c))]);
      const double difference = row.maximum - values(logits.value)[at(i * o.classes() + c)], nll = log_sum + difference;
      all_shares += share;
      sum += share * nll;
      squares += square(share * nll);
      // Rounding of m - x_c and of its sum with log z, each at its own size.
      errors += square(share * operation_bound * (std::abs(difference) + std::abs(nll)));
    }
    double propagated = 0;  // d loss = sum over c of (p_c all_shares - share_c) d logit_c
    for (std::int64_t c = 0; c < o.classes(); ++c) {
      const std::int64_t place = o.element(i, c);
      probabilities.tolerance.span<double>()[at(place)] = std::hypot(row.own[at(c)], row.propagated[at(c)]);
      const double slope =
          values(probabilities.value)[at(place)] * all_shares - o.share(c, values(targets.value)[at(place)]);
      propagated += square(slope * tolerance_at(logits, i * o.classes() + c));
    }
    // log z is one value in all terms, so its error adds up. A share is the result of three operations, of which no
    // term is negative; the terms' products and their sum follow.
    const double own = all_shares * of_log + 4 * operation_bound * sum +
                       sum_tolerance(static_cast<double>(o.classes()), sum, squares) + smallest_normal;
    // widest^2 / 2: the loss's curvature.
    losses.tolerance.span<double>()[at(i)] =
        std::hypot(own + std::sqrt(errors), std::sqrt(propagated)) + all_shares * row.widest * row.widest / 2;
  }
  mean_loss_tolerance(losses, args.output);
}

void soft_cross_entropy_backward_tolerance(BackwardToleranceArgs& args, const SoftmaxCrossEntropyOptions& options) {
  const Uncertain &targets = args.inputs[1], &probabilities = args.saved[0], &dloss = args.output_gradient;
  Uncertain& dlogits = args.input_gradients[0];
  if (dlogits.value.empty()) return;
  const Positions o(options, args.state, probabilities.value.shape());
  const double count = static_cast<double>(o.count());
  const double scale = values(dloss.value)[0] / count, scale_tolerance = tolerance_at(dloss, 0) / count;
  dlogits.tolerance = make_tolerance(dlogits.value);
  for (std::int64_t i = 0; i < o.count(); ++i) {
    double all_shares = 0, squares = 0;
    for (std::int64_t c = 0; c < o.classes(); ++c) {
      const double share = o.share(c, values(targets.value)[at(o.element(i, c))]);
      all_shares += share;
      squares += square(share);
    }
    const double sum_own = sum_tolerance(static_cast<double>(o.classes()), all_shares, squares);
    for (std::int64_t c = 0; c < o.classes(); ++c) {
      const std::int64_t place = o.element(i, c);
      const double p = values(probabilities.value)[at(place)], tp = tolerance_at(probabilities, place);
      const double share = o.share(c, values(targets.value)[at(place)]), of_all = p * all_shares;
      const double slope = of_all - share;
      // The shares (three operations) and their sum, its product with p; then dloss / count, the difference and the
      // last product.
      const double own = std::abs(scale) * (p * sum_own + operation_bound * (4 * of_all + 3 * share) +
                                            3 * operation_bound * std::abs(slope)) +
                         smallest_normal;
      dlogits.tolerance.span<double>()[at(place)] = std::hypot(own, scale * all_shares * tp, slope * scale_tolerance);
    }
  }
}

}  // namespace fovea
