// SPDX-License-Identifier: Apache-2.0
#include "core/tolerance/hinge_loss.h"

#include <cmath>

#include "core/tolerance/bound.h"
#include "core/tolerance/mean_loss.h"

namespace fovea {
namespace {

// score_j - score_t + margin of one wrong class in float64, before it is cut off at 0.
struct Violation {
  double value;      // of the truth
  double own;        // bound of its own rounding
  double tolerance;  // with that of the scores
  bool undecided;    // whether it is positive

  double positive() const { return value > 0 ? value : 0; }
  bool counts() const { return value > 0 || undecided; }
};

Violation violation(const HingeLossGeometry& g, const Uncertain& scores, std::int64_t at, std::int64_t truth) {
  const double difference =
      values(scores.value)[static_cast<std::size_t>(at)] - values(scores.value)[static_cast<std::size_t>(truth)];
  Violation v{};
  v.value = difference + g.margin;
  // A difference, a sum, and what float makes of the margin.
  v.own = operation_bound * (std::abs(difference) + std::abs(v.value)) +
          std::abs(g.margin - static_cast<double>(static_cast<float>(g.margin)));
  const double incoming = std::hypot(tolerance_at(scores, at), tolerance_at(scores, truth));
  v.tolerance = std::hypot(v.own, incoming);
  // Rounding never turns difference <= -margin into the contrary, so exact scores leave a class out for certain; the
  // margin itself must be a float for that.
  const bool exact = incoming == 0 && g.margin == static_cast<double>(static_cast<float>(g.margin));
  v.undecided = std::abs(v.value) <= v.tolerance && v.tolerance > 0 && !(exact && v.value <= 0);
  return v;
}

}  // namespace

void hinge_loss_forward_tolerance(ForwardToleranceArgs& args, const HingeLossOptions& options) {
  const Uncertain& scores = args.inputs[0];
  const auto labels = args.inputs[1].value.span<std::int32_t>();
  const HingeLossGeometry g = hinge_loss_geometry(options, scores.value.shape(), args.inputs[1].value.shape());
  Uncertain& losses = args.saved[0];
  losses.tolerance = make_tolerance(losses.value);
  args.decisions += g.N * (g.C - 1);
  for (std::int64_t n = 0; n < g.N; ++n) {
    const std::int64_t first = n * g.C, truth = first + labels[static_cast<std::size_t>(n)];
    double sum = 0, squares = 0, own = 0, from_scores = 0, from_truth = 0, curvature = 0;
    for (std::int64_t at = first; at < first + g.C; ++at) {
      if (at == truth) continue;
      const Violation v = violation(g, scores, at, truth);
      args.undecided += v.undecided;
      if (!v.counts()) continue;
      const double h = v.positive(), term = g.squared ? h * h : h;
      const double slope = g.squared ? 2 * h : 1;
      sum += term;
      squares += term * term;
      // Squaring rounds once more; what its own rounding does at second order is the square of it.
      own += std::pow(slope * v.own + (g.squared ? operation_bound * term + v.own * v.own : 0), 2);
      from_scores += std::pow(slope * tolerance_at(scores, at), 2);
      from_truth += slope;  // the true class's score is in all terms: its error adds up
      if (g.squared) curvature += v.tolerance * v.tolerance;
    }
    const double total = std::sqrt(std::pow(sum_tolerance(static_cast<double>(g.C - 1), sum, squares), 2) + own +
                                   from_scores + std::pow(from_truth * tolerance_at(scores, truth), 2)) +
                         curvature;
    // The scale: its own rounding and a product.
    const double scaling = g.scale == 1 ? 0 : 2 * operation_bound * g.scale * sum + smallest_normal;
    losses.tolerance.span<double>()[static_cast<std::size_t>(n)] = g.scale * total + scaling;
  }
  mean_loss_tolerance(losses, args.output);
}

void hinge_loss_backward_tolerance(BackwardToleranceArgs& args, const HingeLossOptions& options) {
  const Uncertain &scores = args.inputs[0], &dloss = args.output_gradient;
  Uncertain& dscores = args.input_gradients[0];
  if (dscores.value.empty()) return;
  const auto labels = args.inputs[1].value.span<std::int32_t>();
  const HingeLossGeometry g = hinge_loss_geometry(options, scores.value.shape(), args.inputs[1].value.shape());
  const double scale = std::abs(values(dloss.value)[0]) / static_cast<double>(g.N) * g.scale;
  const double scale_tolerance = tolerance_at(dloss, 0) / static_cast<double>(g.N) * g.scale;
  dscores.tolerance = make_tolerance(dscores.value);
  const auto out = dscores.tolerance.span<double>();
  for (std::int64_t n = 0; n < g.N; ++n) {
    const std::int64_t first = n * g.C, truth = first + labels[static_cast<std::size_t>(n)];
    double squares = 0, independent = 0, common = 0, undecided = 0;
    for (std::int64_t at = first; at < first + g.C; ++at) {
      if (at == truth) continue;
      const Violation v = violation(g, scores, at, truth);
      out[static_cast<std::size_t>(at)] = 0;
      if (!v.counts()) continue;
      const double slope = g.squared ? 2 * v.positive() : v.value > 0 ? 1 : 0;
      const double gradient = scale * slope;
      // dloss / N, the scale with its rounding, the product; twice h has the error of h.
      const double own = 4 * operation_bound * gradient + smallest_normal + (g.squared ? 2 * scale * v.own : 0);
      const double from_score = g.squared ? 2 * scale * tolerance_at(scores, at) : 0;
      const double from_truth = g.squared ? 2 * scale * tolerance_at(scores, truth) : 0;
      // An undecided class may count or not: the gradient jumps by the whole scale, or with `squared` not at all.
      const double jump = v.undecided && !g.squared ? scale + scale_tolerance : 0;
      out[static_cast<std::size_t>(at)] = std::sqrt(own * own + from_score * from_score + from_truth * from_truth +
                                                    std::pow(slope * scale_tolerance, 2)) +
                                          jump;
      squares += gradient * gradient;
      independent += own * own + from_score * from_score;
      common += from_truth + slope * scale_tolerance;
      undecided += jump;
    }
    const double sum = std::abs(values(dscores.value)[static_cast<std::size_t>(truth)]);
    out[static_cast<std::size_t>(truth)] =
        std::sqrt(std::pow(sum_tolerance(static_cast<double>(g.C - 1), sum, squares), 2) + independent +
                  common * common) +
        undecided;
  }
}

}  // namespace fovea
