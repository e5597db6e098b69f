// SPDX-License-Identifier: Apache-2.0
//
// Names: M values in a channel, t tolerances, r = 1 / sqrt(variance + epsilon), z = (x - mean) r.
#include "core/tolerance/batch_norm.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/tolerance/bound.h"
#include "core/tolerance/bounded.h"

namespace fovea {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

template <class F>
void for_each_of_channel(const BatchNormGeometry& g, std::int64_t c, F&& f) {
  for (std::int64_t n = 0; n < g.N; ++n)
    for (std::int64_t p = 0; p < g.positions; ++p) f((n * g.C + c) * g.positions + p);
}

// r of an uncertain variance: the farther end of its interval, and an addition, a root and a division.
Bounded inverse_deviation(double variance, double tolerance, double epsilon) {
  const auto r = [&](double v) { return 1 / std::sqrt(std::max(v, 0.0) + epsilon); };
  const double value = r(variance);
  const double moved = std::max(r(variance - tolerance) - value, value - r(variance + tolerance));
  return {value, moved + 3 * operation_bound * (value + moved)};
}

// The statistics of one channel, from x.
struct Statistics {
  double M = 0;
  Bounded mean, variance, r;           // own errors only: x taken as exact
  double mean_moved = 0, r_moved = 0;  // by the tolerances of x
  double variance_moved = 0;
  double t2 = 0, zt2 = 0, z2t2 = 0;  // sums of t^2, z t^2, z^2 t^2
  double enlarged = 1;               // what the derivatives may grow by on the way; infinite where undecided
};

// How much 1/s may grow when each of M values moves by its tolerance, to the third power, since the derivatives of z
// hold r and two factors z. s = sqrt(variance + epsilon) is a norm of the differences from the mean, so it moves by the
// norm of the tolerances at most.
double enlargement(double r, double t2, double M) {
  const double relative = std::sqrt(t2 / M) * r;
  return relative < 1 ? std::pow(1 - relative, -3) : infinity;
}

Statistics statistics(const BatchNormGeometry& g, std::int64_t c, const Uncertain& x) {
  const double M = static_cast<double>(g.values());
  Statistics s;
  s.M = M;
  double sum = 0, squares = 0;
  for_each_of_channel(g, c, [&](std::int64_t i) {
    sum += values(x.value)[at(i)];
    squares += square(values(x.value)[at(i)]);
  });
  s.mean.value = sum / M;
  s.mean.tolerance = sum_tolerance(M, sum, squares) / M + operation_bound * std::abs(s.mean.value);

  double squared_differences = 0, fourth_powers = 0;
  for_each_of_channel(g, c, [&](std::int64_t i) {
    const double difference = values(x.value)[at(i)] - s.mean.value;
    squared_differences += square(difference);
    fourth_powers += square(square(std::abs(difference) + s.mean.tolerance));
  });
  s.variance.value = squared_differences / M;
  // Around a mean that is off by e the mean square is variance + e^2, exactly: the differences add up to 0.
  const double off = square(s.mean.tolerance), largest = s.variance.value + off;
  // Each difference is rounded, which its square doubles; the sum; the division.
  s.variance.tolerance = off + sum_tolerance(M, M * largest, fourth_powers) / M + 3 * operation_bound * largest;
  s.r = inverse_deviation(s.variance.value, s.variance.tolerance, g.epsilon);

  if (x.tolerance.empty()) return s;
  double slopes = 0;  // (d variance / d x_j t_j)^2 = (2 d_j t_j / M)^2
  for_each_of_channel(g, c, [&](std::int64_t i) {
    const double difference = values(x.value)[at(i)] - s.mean.value, z = difference * s.r.value;
    const double t2 = square(tolerance_at(x, i));
    s.t2 += t2;
    s.zt2 += z * t2;
    s.z2t2 += square(z) * t2;
    slopes += square(2 * difference / M) * t2;
  });
  s.mean_moved = std::sqrt(s.t2) / M;
  s.variance_moved = std::sqrt(slopes) + s.t2 / M;  // and the curvature
  s.r_moved = inverse_deviation(s.variance.value, s.variance_moved, g.epsilon).tolerance;
  s.enlarged = enlargement(s.r.value, s.t2, M);
  return s;
}

// Length of the vector over j of ([i = j] - 1/M - z_i z_j / M) t_j: how z_i / r moves with the values of its channel.
// The sums over all j are given; j = i is exchanged.
double centred_length(const Statistics& s, double z, double t) {
  const double all = (s.t2 + 2 * z * s.zt2 + square(z) * s.z2t2) / square(s.M), self = (1 + square(z)) / s.M;
  return std::sqrt(std::max(all - square(self * t), 0.0) + square((1 - self) * t));
}

// Running statistic + momentum (batch's - running statistic): two products and a sum.
void running_tolerance(const Uncertain& before, Uncertain& after, std::int64_t c, double momentum, double batch,
                       double batch_tolerance) {
  const double kept = (1 - momentum) * values(before.value)[at(c)], added = momentum * batch;
  after.tolerance.span<double>()[at(c)] =
      (1 - momentum) * tolerance_at(before, c) + momentum * batch_tolerance +
      operation_bound * (2 * std::abs(kept) + 2 * std::abs(added) + std::abs(kept + added)) + smallest_normal;
}

// y = z * weight + bias of one element; tolerances of mean and r from the element's own rounding.
double normalised_tolerance(double difference, double weight, double y, Bounded r, double mean_tolerance) {
  const double slope = std::abs(weight) * (r.value + r.tolerance);
  // The mean, r; then a difference, two products and a sum.
  return slope * mean_tolerance + std::abs(weight * difference) * r.tolerance +
         operation_bound * (3 * slope * std::abs(difference) + std::abs(y)) + smallest_normal;
}

// dweight and dbias of one channel with the bounds of their own, and those of their parts that x moves.
struct Sums {
  Bounded dweight, dbias;
};

Sums gradient_sums(const BatchNormGeometry& g, std::int64_t c, const Uncertain& x, double mean, Bounded r,
                   const Uncertain& dy) {
  double dot = 0, dot_squares = 0, sum = 0, squares = 0;  // dot = sum of dy (x - mean)
  for_each_of_channel(g, c, [&](std::int64_t i) {
    const double gradient = values(dy.value)[at(i)], product = gradient * (values(x.value)[at(i)] - mean);
    dot += product;
    dot_squares += square(product);
    sum += gradient;
    squares += square(gradient);
  });
  const double M = static_cast<double>(g.values());
  Sums result;
  result.dbias = {sum, sum_tolerance(M, sum, squares)};
  // Each addend's difference is rounded; r multiplies the sum.
  const double own = sum_tolerance(M, dot, dot_squares) + operation_bound * std::sqrt(dot_squares);
  result.dweight = {dot * r.value, r.value * own + std::abs(dot) * r.tolerance +
                                       operation_bound * std::abs(dot * r.value) + smallest_normal};
  return result;
}

// Fills the tolerances of the parameters' gradients of one channel: their own, and what the operands bring along.
void parameter_tolerances(const BatchNormGeometry& g, std::int64_t c, const Uncertain& x, Bounded mean, Bounded r,
                          const Uncertain& dy, const Sums& own, std::span<Uncertain> gradients) {
  double of_weight =
             square(r.value * own.dbias.value * mean.tolerance) + square(own.dweight.value / r.value * r.tolerance),
         of_bias = 0;
  for_each_of_channel(g, c, [&](std::int64_t i) {
    const double gradient = values(dy.value)[at(i)], z = (values(x.value)[at(i)] - mean.value) * r.value;
    of_weight += square(z * tolerance_at(dy, i)) + square(gradient * r.value * tolerance_at(x, i));
    of_bias += square(tolerance_at(dy, i));
  });
  gradients[0].tolerance.span<double>()[at(c)] = std::hypot(own.dweight.tolerance, std::sqrt(of_weight));
  gradients[1].tolerance.span<double>()[at(c)] = std::hypot(own.dbias.tolerance, std::sqrt(of_bias));
}

}  // namespace

void batch_norm_forward_tolerance(ForwardToleranceArgs& args, const BatchNormOptions& options) {
  const Uncertain &x = args.inputs[0], &weight = args.parameters[0], &bias = args.parameters[1];
  const BatchNormGeometry g = batch_norm_geometry(options, x.value.shape());
  for (Uncertain* u : {&args.output, &args.saved[0], &args.saved[1], &args.new_state[0], &args.new_state[1]})
    u->tolerance = make_tolerance(u->value);
  for (std::int64_t c = 0; c < g.C; ++c) {
    const Statistics s = statistics(g, c, x);
    const double w = values(weight.value)[at(c)];
    for_each_of_channel(g, c, [&](std::int64_t i) {
      const double difference = values(x.value)[at(i)] - s.mean.value, z = difference * s.r.value;
      const double own = normalised_tolerance(difference, w, values(args.output.value)[at(i)], s.r, s.mean.tolerance);
      double propagated = square(z * tolerance_at(weight, c)) + square(tolerance_at(bias, c));
      if (std::isinf(s.enlarged))
        propagated = infinity;
      else if (!x.tolerance.empty())
        propagated += square(w * s.r.value * centred_length(s, z, tolerance_at(x, i)) * s.enlarged);
      args.output.tolerance.span<double>()[at(i)] = std::sqrt(square(own) + propagated);
    });
    if (std::isinf(s.enlarged)) {
      args.undecided += g.values();
      args.decisions += g.values();
    }
    const double mean_tolerance = std::hypot(s.mean.tolerance, s.mean_moved);
    const double variance_tolerance = std::hypot(s.variance.tolerance, s.variance_moved);
    const double unbiased = s.M / (s.M - 1);
    args.saved[0].tolerance.span<double>()[at(c)] = mean_tolerance;
    args.saved[1].tolerance.span<double>()[at(c)] = std::hypot(s.r.tolerance, s.r_moved);
    running_tolerance(args.state[0], args.new_state[0], c, g.momentum, s.mean.value, mean_tolerance);
    running_tolerance(args.state[1], args.new_state[1], c, g.momentum, unbiased * s.variance.value,
                      unbiased * variance_tolerance);
  }
}

void batch_norm_inference_tolerance(ForwardToleranceArgs& args, const BatchNormOptions& options) {
  const Uncertain &x = args.inputs[0], &weight = args.parameters[0], &bias = args.parameters[1];
  const Uncertain &mean = args.state[0], &variance = args.state[1];
  const BatchNormGeometry g = batch_norm_geometry(options, x.value.shape());
  args.output.tolerance = make_tolerance(args.output.value);
  for (std::int64_t c = 0; c < g.C; ++c) {
    const double m = values(mean.value)[at(c)], v = values(variance.value)[at(c)], w = values(weight.value)[at(c)];
    const Bounded r = inverse_deviation(v, 0, g.epsilon);
    const double r_moved = inverse_deviation(v, tolerance_at(variance, c), g.epsilon).tolerance - r.tolerance;
    for_each_of_channel(g, c, [&](std::int64_t i) {
      const double difference = values(x.value)[at(i)] - m;
      const double own = normalised_tolerance(difference, w, values(args.output.value)[at(i)], r, 0);
      const double propagated = square(w * r.value) * (square(tolerance_at(x, i)) + square(tolerance_at(mean, c))) +
                                square(w * difference * r_moved) +
                                square(difference * r.value * tolerance_at(weight, c)) + square(tolerance_at(bias, c));
      args.output.tolerance.span<double>()[at(i)] = std::sqrt(square(own) + propagated);
    });
  }
  for (Uncertain& state : args.new_state) {  // not touched
    const std::size_t i = static_cast<std::size_t>(&state - args.new_state.data());
    state.tolerance = args.state[i].tolerance;
  }
}

void batch_norm_backward_tolerance(BackwardToleranceArgs& args, const BatchNormOptions& options) {
  const Uncertain &x = args.inputs[0], &weight = args.parameters[0], &dy = args.output_gradient;
  const Uncertain &saved_mean = args.saved[0], &saved_r = args.saved[1];
  const BatchNormGeometry g = batch_norm_geometry(options, x.value.shape());
  const double M = static_cast<double>(g.values());
  Uncertain& dx = args.input_gradients[0];
  for (Uncertain* u : {&dx, &args.parameter_gradients[0], &args.parameter_gradients[1]})
    if (!u->value.empty()) u->tolerance = make_tolerance(u->value);
  for (std::int64_t c = 0; c < g.C; ++c) {
    const Bounded mean{values(saved_mean.value)[at(c)], tolerance_at(saved_mean, c)};
    const Bounded r{values(saved_r.value)[at(c)], tolerance_at(saved_r, c)};
    const Sums own = gradient_sums(g, c, x, mean.value, {r.value, 0}, dy);
    parameter_tolerances(g, c, x, mean, r, dy, own, args.parameter_gradients);
    if (dx.value.empty()) continue;

    // dx = w r (dy - a - z b)
    const double w = values(weight.value)[at(c)], a = own.dbias.value / M, b = own.dweight.value / M;
    const double a_tolerance = own.dbias.tolerance / M + operation_bound * std::abs(a);
    const double b_tolerance = own.dweight.tolerance / M + operation_bound * std::abs(b);
    Statistics of_dy;  // the sums that centred_length needs, of the tolerances of dy
    of_dy.M = M;
    double t2 = 0, of_x = 0;  // of x: its tolerances, and times dy
    for_each_of_channel(g, c, [&](std::int64_t i) {
      const double z = (values(x.value)[at(i)] - mean.value) * r.value, dy2 = square(tolerance_at(dy, i));
      of_dy.t2 += dy2;
      of_dy.zt2 += z * dy2;
      of_dy.z2t2 += square(z) * dy2;
      t2 += square(tolerance_at(x, i));
      of_x += square(values(dy.value)[at(i)] * tolerance_at(x, i));
    });
    const double enlarged = enlargement(r.value, t2, M);
    for_each_of_channel(g, c, [&](std::int64_t i) {
      const double gradient = values(dy.value)[at(i)], z = (values(x.value)[at(i)] - mean.value) * r.value;
      const double bracket = gradient - a - z * b, result = std::abs(values(dx.value)[at(i)]);
      // a; b; of z b the difference, the product that makes z, and the product with b; two differences; two products.
      const double own_tolerance =
          std::abs(w * r.value) *
              (a_tolerance + std::abs(z) * b_tolerance +
               operation_bound * (3 * std::abs(z * b) + std::abs(gradient - a) + std::abs(bracket))) +
          2 * operation_bound * result + smallest_normal;
      const double tx = tolerance_at(x, i);
      // Through z_i and dweight; z_i meets dy_j t_j of the others.
      const double from_x = square(r.value) * (square((b + z * gradient / M) * tx) +
                                               square(z / M) * std::max(of_x - square(gradient * tx), 0.0));
      const double from_mean = square(r.value * (b + z * a) * mean.tolerance);
      const double from_r = square((gradient - a - 3 * z * b) / r.value * r.tolerance);
      const double from_dy = square(centred_length(of_dy, z, tolerance_at(dy, i)));
      const double from_weight = square(r.value * bracket * tolerance_at(weight, c));
      const double propagated = square(w * r.value) * (from_x + from_mean + from_r + from_dy) + from_weight;
      dx.tolerance.span<double>()[at(i)] =
          propagated == 0 ? own_tolerance : std::hypot(own_tolerance, std::sqrt(propagated) * enlarged);
    });
  }
}

void batch_norm_inference_backward_tolerance(BackwardToleranceArgs& args, const BatchNormOptions& options) {
  const Uncertain &x = args.inputs[0], &weight = args.parameters[0], &dy = args.output_gradient;
  const Uncertain &mean = args.state[0], &variance = args.state[1];
  const BatchNormGeometry g = batch_norm_geometry(options, x.value.shape());
  Uncertain& dx = args.input_gradients[0];
  for (Uncertain* u : {&dx, &args.parameter_gradients[0], &args.parameter_gradients[1]})
    if (!u->value.empty()) u->tolerance = make_tolerance(u->value);
  for (std::int64_t c = 0; c < g.C; ++c) {
    const Bounded m{values(mean.value)[at(c)], tolerance_at(mean, c)};
    const Bounded r = inverse_deviation(values(variance.value)[at(c)], tolerance_at(variance, c), g.epsilon);
    const Sums own = gradient_sums(g, c, x, m.value, r, dy);
    parameter_tolerances(g, c, x, m, {r.value, 0}, dy, own, args.parameter_gradients);
    if (dx.value.empty()) continue;
    const double w = values(weight.value)[at(c)];
    for_each_of_channel(g, c, [&](std::int64_t i) {
      const double gradient = values(dy.value)[at(i)], result = std::abs(w * r.value * gradient);
      const double own_tolerance =
          std::abs(w * gradient) * r.tolerance + 2 * operation_bound * result + smallest_normal;
      const double propagated =
          square(w * r.value * tolerance_at(dy, i)) + square(r.value * gradient * tolerance_at(weight, c));
      dx.tolerance.span<double>()[at(i)] = std::sqrt(square(own_tolerance) + propagated);
    });
  }
}

}  // namespace fovea
