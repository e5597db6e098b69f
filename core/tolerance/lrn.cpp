// SPDX-License-Identifier: Apache-2.0
#include "core/tolerance/lrn.h"

#include <algorithm>
#include <cmath>

#include "core/tolerance/bound.h"

namespace fovea {
namespace {

// Of powf: documented with up to 4 units in the last place (2u each) from the correctly rounded result (u).
constexpr double power_bound = 9 * unit_roundoff;

// Calls f(j) for the elements from `before` in front of element i to `after` behind it, i among them.
template <class F>
void for_each_neighbour(const LrnGeometry& g, std::int64_t i, std::int64_t before, std::int64_t after, F&& f) {
  const std::int64_t w = i % g.W, h = i / g.W % g.H, c = i / (g.W * g.H) % g.C;
  const auto walk = [&](std::int64_t place, std::int64_t extent, auto&& step) {
    const std::int64_t first = std::max<std::int64_t>(place - before, 0), last = std::min(place + after, extent - 1);
    for (std::int64_t other = first; other <= last; ++other) step(other - place);
  };
  if (g.region == LrnRegion::across) {
    walk(c, g.C, [&](std::int64_t s) { f(i + s * g.H * g.W); });
  } else {
    walk(h, g.H, [&](std::int64_t r) { walk(w, g.W, [&](std::int64_t s) { f(i + r * g.W + s); }); });
  }
}

double neighbours(const LrnGeometry& g) {
  const double size = static_cast<double>(g.before + g.after + 1);
  return g.region == LrnRegion::across ? size : size * size;
}

}  // namespace

void lrn_forward_tolerance(ForwardToleranceArgs& args, const LrnOptions& options) {
  const Uncertain& x = args.inputs[0];
  const LrnGeometry g = lrn_geometry(options, x.value.shape());
  const double a = g.a, beta = g.beta;
  args.output.tolerance = make_tolerance(args.output.value);
  args.saved[0].tolerance = make_tolerance(args.saved[0].value);
  for (std::int64_t i = 0; i < x.value.elements(); ++i) {
    const double xi = values(x.value)[at(i)], ti = tolerance_at(x, i);
    const double y = values(args.output.value)[at(i)], d = values(args.saved[0].value)[at(i)];
    double sum = 0, fourth_powers = 0;       // of x_j^2, and of their squares
    double of_slopes = 0, of_curvature = 0;  // (2 a x_j t_j)^2, and a t_j^2
    for_each_neighbour(g, i, g.before, g.after, [&](std::int64_t j) {
      const double xj = values(x.value)[at(j)], tj = tolerance_at(x, j);
      sum += square(xj);
      fourth_powers += square(square(xj));
      of_slopes += square(2 * a * xj * tj);
      of_curvature += a * square(tj);
    });
    // d = k + a * sum: a product and an addition.
    const double own_d = a * sum_tolerance(neighbours(g), sum, fourth_powers) + operation_bound * (a * sum + d);
    const double moved_d = std::sqrt(of_slopes) + of_curvature;
    // y = x * d^-beta: the power multiplies the relative error of d by beta; then a product.
    const double own = std::abs(y) * (beta * own_d / d + power_bound + operation_bound) + smallest_normal;
    // dy_i/dx_j = [i = j] d^-beta - 2 a beta x_i x_j d^-(beta+1); the power covers the change of d on the way.
    const double factor = std::pow(d, -beta), pull = beta * std::abs(xi) * factor / d;
    const double alone = factor * ti - 2 * a * pull * std::abs(xi) * ti;
    const double others = std::max(of_slopes - square(2 * a * xi * ti), 0.0);
    const double change = std::exp((beta + 1) * moved_d / d);
    const double propagated = (std::sqrt(square(alone) + square(pull) * others) + pull * of_curvature) * change;
    args.saved[0].tolerance.span<double>()[at(i)] = std::hypot(own_d, moved_d);
    args.output.tolerance.span<double>()[at(i)] = std::hypot(own, propagated);
  }
}

void lrn_backward_tolerance(BackwardToleranceArgs& args, const LrnOptions& options) {
  Uncertain& dx = args.input_gradients[0];
  if (dx.value.empty()) return;
  const Uncertain &x = args.inputs[0], &y = args.output, &d = args.saved[0], &dy = args.output_gradient;
  const LrnGeometry g = lrn_geometry(options, x.value.shape());
  const double beta = g.beta, factor = 2 * static_cast<double>(g.a) * beta;
  dx.tolerance = make_tolerance(dx.value);
  for (std::int64_t i = 0; i < x.value.elements(); ++i) {
    const double xi = values(x.value)[at(i)], di = values(d.value)[at(i)], dyi = values(dy.value)[at(i)];
    const double power = std::pow(di, -beta);
    double sum = 0, squares = 0, propagated = 0;
    double change = 1;                                                 // of the derivatives on the way, as d moves
    for_each_neighbour(g, i, g.after, g.before, [&](std::int64_t j) {  // those that have i as a neighbour
      const double dyj = values(dy.value)[at(j)], yj = values(y.value)[at(j)], dj = values(d.value)[at(j)];
      const double term = dyj * yj / dj, self = j == i ? 1 : 0;
      sum += term;
      squares += square(term);
      propagated += square((self * power - factor * xi * yj / dj) * tolerance_at(dy, j)) +
                    square(factor * xi * dyj / dj * tolerance_at(y, j)) +
                    square((factor * xi * term / dj - self * beta * dyj * power / dj) * tolerance_at(d, j));
      change = std::max(change, std::exp((beta + 2) * tolerance_at(d, j) / dj));
    });
    propagated += square(factor * sum * tolerance_at(x, i));
    // Each addend is a product and a quotient; two products with the sum, one with the power; a difference.
    const double sum_error = sum_tolerance(neighbours(g), sum, squares) + 2 * operation_bound * std::sqrt(squares);
    const double pulled = std::abs(factor * xi);
    const double own = pulled * sum_error + 3 * operation_bound * pulled * std::abs(sum) +
                       std::abs(dyi * power) * (power_bound + operation_bound) +
                       operation_bound * std::abs(values(dx.value)[at(i)]) + smallest_normal;
    dx.tolerance.span<double>()[at(i)] = std::hypot(own, std::sqrt(propagated) * change);
  }
}

}  // namespace fovea
