// SPDX-License-Identifier: Apache-2.0
#include "core/tolerance/adaptive_pool2d.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "core/tolerance/bound.h"

namespace fovea {
namespace {

// The elements (flat indices of x) of the window of output i, in row order.
std::vector<std::int64_t> window_of(const AdaptivePool2dGeometry& g, std::int64_t i) {
  const std::int64_t q = i % g.Q, p = i / g.Q % g.P, plane = i / (g.P * g.Q);
  std::vector<std::int64_t> elements;
  for (std::int64_t h = p * g.H / g.P; h * g.P < (p + 1) * g.H; ++h)
    for (std::int64_t w = q * g.W / g.Q; w * g.Q < (q + 1) * g.W; ++w) elements.push_back((plane * g.H + h) * g.W + w);
  return elements;
}

// The elements that may win the window of output i, the winner of the truth first (see core/tolerance/max_pool2d.cpp).
std::vector<std::int64_t> possible_winners(const AdaptivePool2dGeometry& g, const Uncertain& x, const Tensor& index,
                                           std::int64_t i) {
  const std::int64_t plane = i / (g.P * g.Q), winner = plane * g.H * g.W + index.span<std::int32_t>()[at(i)];
  std::vector<std::int64_t> winners{winner};
  if (x.tolerance.empty()) return winners;
  const double best = values(x.value)[at(winner)], best_tolerance = tolerance_at(x, winner);
  for (const std::int64_t other : window_of(g, i)) {
    const double candidate = values(x.value)[at(other)], tolerance = tolerance_at(x, other);
    if (other == winner || (candidate == best && tolerance == best_tolerance)) continue;
    if (candidate + tolerance >= best - best_tolerance) winners.push_back(other);
  }
  return winners;
}

// Of each element of x: the windows that hold it, and the sums over them of the squares of what they add.
struct Addends {
  std::vector<double> count, squares, propagated;
  explicit Addends(const Tensor& dx)
      : count(at(dx.elements())), squares(at(dx.elements())), propagated(at(dx.elements())) {}
};

}  // namespace

void adaptive_avg_pool2d_forward_tolerance(ForwardToleranceArgs& args, const AdaptivePool2dOptions& options) {
  const Uncertain& x = args.inputs[0];
  const AdaptivePool2dGeometry g = adaptive_pool2d_geometry(options, x.value.shape());
  args.output.tolerance = make_tolerance(args.output.value);
  for (std::int64_t i = 0; i < args.output.value.elements(); ++i) {
    const std::vector<std::int64_t> window = window_of(g, i);
    const double D = static_cast<double>(window.size());
    double squares = 0, propagated = 0;
    for (const std::int64_t element : window) {
      squares += std::pow(values(x.value)[at(element)] / D, 2);
      propagated += std::pow(tolerance_at(x, element) / D, 2);
    }
    const double y = values(args.output.value)[at(i)];
    const double own = sum_tolerance(D, y, squares) + operation_bound * std::abs(y);  // the sum, the division
    args.output.tolerance.span<double>()[at(i)] = std::sqrt(own * own + propagated);
  }
}

void adaptive_avg_pool2d_backward_tolerance(BackwardToleranceArgs& args, const AdaptivePool2dOptions& options) {
  Uncertain& dx = args.input_gradients[0];
  if (dx.value.empty()) return;
  const Uncertain& dy = args.output_gradient;
  const AdaptivePool2dGeometry g = adaptive_pool2d_geometry(options, dx.value.shape());
  Addends of(dx.value);
  for (std::int64_t i = 0; i < dy.value.elements(); ++i) {
    const std::vector<std::int64_t> window = window_of(g, i);
    const double D = static_cast<double>(window.size());
    for (const std::int64_t element : window) {
      of.count[at(element)] += 1;
      of.squares[at(element)] += std::pow(values(dy.value)[at(i)] / D, 2);
      of.propagated[at(element)] += std::pow(tolerance_at(dy, i) / D, 2);
    }
  }
  dx.tolerance = make_tolerance(dx.value);
  for (std::size_t i = 0; i < of.count.size(); ++i) {
    // Each addend is a quotient of its own.
    const double own =
        sum_tolerance(of.count[i], values(dx.value)[i], of.squares[i]) + operation_bound * std::sqrt(of.squares[i]);
    dx.tolerance.span<double>()[i] = std::sqrt(own * own + of.propagated[i]);
  }
}

void adaptive_max_pool2d_forward_tolerance(ForwardToleranceArgs& args, const AdaptivePool2dOptions& options) {
  const Uncertain& x = args.inputs[0];
  args.decisions += args.output.value.elements();
  if (x.tolerance.empty()) return;
  const AdaptivePool2dGeometry g = adaptive_pool2d_geometry(options, x.value.shape());
  args.output.tolerance = make_tolerance(args.output.value);
  args.saved[0].tolerance = Tensor::zeros(args.saved[0].value.shape(), DType::f64);
  for (std::int64_t i = 0; i < args.output.value.elements(); ++i) {
    const std::vector<std::int64_t> winners = possible_winners(g, x, args.saved[0].value, i);
    double tolerance = 0;
    for (const std::int64_t w : winners) tolerance = std::max(tolerance, tolerance_at(x, w));
    args.output.tolerance.span<double>()[at(i)] = tolerance;
    if (winners.size() == 1) continue;
    ++args.undecided;
    args.saved[0].tolerance.span<double>()[at(i)] = std::numeric_limits<double>::infinity();
  }
}

void adaptive_max_pool2d_backward_tolerance(BackwardToleranceArgs& args, const AdaptivePool2dOptions& options) {
  Uncertain& dx = args.input_gradients[0];
  if (dx.value.empty()) return;
  const Uncertain &x = args.inputs[0], &dy = args.output_gradient;
  const AdaptivePool2dGeometry g = adaptive_pool2d_geometry(options, dx.value.shape());
  Addends of(dx.value);
  for (std::int64_t i = 0; i < dy.value.elements(); ++i) {
    for (const std::int64_t element : window_of(g, i)) of.count[at(element)] += 1;
    const std::vector<std::int64_t> winners = possible_winners(g, x, args.saved[0].value, i);
    const double gradient = values(dy.value)[at(i)], incoming = tolerance_at(dy, i);
    of.squares[at(winners[0])] += gradient * gradient;
    const double tolerance = winners.size() > 1 ? std::abs(gradient) + incoming : incoming;
    for (const std::int64_t w : winners) of.propagated[at(w)] += tolerance * tolerance;
  }
  dx.tolerance = make_tolerance(dx.value);
  for (std::size_t i = 0; i < of.count.size(); ++i) {
    // One window only: a copy of its dy.
    const double own = of.count[i] <= 1 ? 0 : sum_tolerance(of.count[i], values(dx.value)[i], of.squares[i]);
    dx.tolerance.span<double>()[i] = std::sqrt(own * own + of.propagated[i]);
  }
}

}  // namespace fovea
