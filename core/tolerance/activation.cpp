// SPDX-License-Identifier: Apache-2.0
#include "core/tolerance/activation.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "core/tolerance/bound.h"

namespace fovea {
namespace {

constexpr double o = operation_bound;

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double normal_distribution(double x) { return std::erfc(-x / std::numbers::sqrt2) / 2; }
double normal_density(double x) { return std::exp(-x * x / 2) / std::sqrt(2 * std::numbers::pi); }
// What is lost when a factor of this size is flushed to zero.
double flushed(double size) { return std::min(size, smallest_normal); }

// What the operations of y = f(x) add, each with its bound; at most once each for the underflows on the way.
double forward_error(const ActivationOptions& options, double x, double y) {
  const double size = std::abs(y), alpha = std::abs(static_cast<double>(options.alpha));
  switch (options.kind) {
    case ActivationKind::leaky_relu:
      return x > 0 ? 0 : o * size + smallest_normal;
    case ActivationKind::elu:
      return x > 0 ? 0 : 2 * o * size + (1 + alpha) * smallest_normal;
    case ActivationKind::sigmoid:
      return 3 * o * size + smallest_normal;
    case ActivationKind::gelu:
      // The rounded argument x / sqrt 2 of erfc moves Phi by phi(x) times its error.
      return o * (x * x * normal_density(x) + 2 * size) + std::abs(x) * flushed(normal_distribution(x)) +
             smallest_normal;
    case ActivationKind::silu:
      return 4 * o * size + std::abs(x) * flushed(sigmoid(x)) + smallest_normal;
  }
  return 0;  // not reached
}

// The same for dx = dy * f'(x).
double backward_error(const ActivationOptions& options, double x, double dy, double dx) {
  const double size = std::abs(dx), scale = std::abs(dy), alpha = std::abs(static_cast<double>(options.alpha));
  const double s = sigmoid(x), opposite = sigmoid(-x);
  switch (options.kind) {
    case ActivationKind::leaky_relu:
      return x > 0 ? 0 : o * size + smallest_normal;
    case ActivationKind::elu:
      return x > 0 ? 0 : 3 * o * size + scale * (alpha * flushed(std::exp(x)) + smallest_normal) + smallest_normal;
    case ActivationKind::sigmoid:
      return 8 * o * size + scale * flushed(s * opposite) + smallest_normal;
    case ActivationKind::gelu: {
      // Phi(x) and x phi(x) may cancel: the errors of both count in full.
      const double distribution = normal_distribution(x), density = normal_density(x), product = std::abs(x) * density;
      return o * (scale * (distribution + product * (4 + x * x / 2)) + 2 * size) +
             scale * (flushed(distribution) + std::abs(x) * flushed(density)) + smallest_normal;
    }
    case ActivationKind::silu: {
      // 1 and x s(-x) may cancel.
      const double product = std::abs(x * opposite);
      return o * (4 * scale * s * product + 6 * size) +
             scale * (flushed(s) * (1 + product) + s * std::abs(x) * flushed(opposite)) + smallest_normal;
    }
  }
  return 0;  // not reached
}

// Where f' turns: between these points it rises or falls, so its range over an interval follows from the interval's
// ends and the turns within. gelu: f'' = phi(x) (2 - x x). silu: f'' = 0 where x tanh(x/2) = 2. 0 is also the kink.
std::vector<double> turns(ActivationKind kind) {
  switch (kind) {
    case ActivationKind::gelu:
      return {-std::numbers::sqrt2, std::numbers::sqrt2};
    case ActivationKind::silu:
      return {-2.3993572805154675, 2.3993572805154675};
    default:
      return {0};
  }
}

// f' at each point.
std::vector<double> derivatives(Ops& exact, const ActivationOptions& options, std::vector<double> points) {
  const Shape shape{static_cast<std::int64_t>(points.size())};
  const std::vector<double> ones(points.size(), 1.0);
  const Tensor x = Tensor::from<double>(shape, points), dy = Tensor::from<double>(shape, ones);
  Tensor dx(shape, DType::f64);
  exact.activation_backward(options, x.view(), dy.view(), dx.view());
  return {dx.span<double>().begin(), dx.span<double>().end()};
}

// f' at every element of x, and the least and the largest f' that its tolerance allows.
struct Slopes {
  std::vector<double> here, low, high;
};
Slopes slopes_within(Ops& exact, const ActivationOptions& options, const Uncertain& x) {
  std::vector<double> middle(values(x.value).begin(), values(x.value).end()), left = middle, right = middle;
  for (std::size_t i = 0; i < middle.size(); ++i) {
    const double tolerance = tolerance_at(x, static_cast<std::int64_t>(i));
    left[i] -= tolerance;
    right[i] += tolerance;
  }
  const std::vector<double> at_left = derivatives(exact, options, left), at_right = derivatives(exact, options, right);
  const std::vector<double> turn = turns(options.kind), at_turn = derivatives(exact, options, turn);
  Slopes result{derivatives(exact, options, middle), at_left, at_left};
  for (std::size_t i = 0; i < middle.size(); ++i) {
    const auto include = [&](double slope) {
      result.low[i] = std::min(result.low[i], slope);
      result.high[i] = std::max(result.high[i], slope);
    };
    include(at_right[i]);
    for (std::size_t t = 0; t < turn.size(); ++t)
      if (left[i] <= turn[t] && turn[t] <= right[i]) include(at_turn[t]);
  }
  return result;
}

}  // namespace

void activation_forward_tolerance(ForwardToleranceArgs& args, const ActivationOptions& options) {
  const Uncertain& x = args.inputs[0];
  args.output.tolerance = make_tolerance(args.output.value);
  const bool decides =
      (options.kind == ActivationKind::leaky_relu || options.kind == ActivationKind::elu) && options.alpha != 1;
  if (decides) args.decisions += x.value.elements();
  const Slopes slopes = slopes_within(args.exact, options, x);
  const auto in = values(x.value), y = values(args.output.value);
  const auto out = args.output.tolerance.span<double>();
  for (std::size_t i = 0; i < out.size(); ++i) {
    const double tolerance = tolerance_at(x, static_cast<std::int64_t>(i));
    if (decides && tolerance > 0 && std::abs(in[i]) <= tolerance) ++args.undecided;
    const double steepest = std::max(std::abs(slopes.low[i]), std::abs(slopes.high[i]));
    out[i] = std::hypot(tolerance > 0 ? steepest * tolerance : 0, forward_error(options, in[i], y[i]));
  }
}

void activation_backward_tolerance(BackwardToleranceArgs& args, const ActivationOptions& options) {
  const Uncertain &x = args.inputs[0], &dy = args.output_gradient;
  Uncertain& dx = args.input_gradients[0];
  if (dx.value.empty()) return;
  dx.tolerance = make_tolerance(dx.value);
  const Slopes slopes = slopes_within(args.exact, options, x);
  const auto in = values(x.value), gradient = values(dy.value), result = values(dx.value);
  const auto out = dx.tolerance.span<double>();
  for (std::size_t i = 0; i < out.size(); ++i) {
    const double tdy = tolerance_at(dy, static_cast<std::int64_t>(i));
    const double change = std::max(slopes.high[i] - slopes.here[i], slopes.here[i] - slopes.low[i]);
    out[i] = std::hypot(change * (std::abs(gradient[i]) + tdy), slopes.here[i] * tdy,
                        backward_error(options, in[i], gradient[i], result[i]));
  }
}

}  // namespace fovea
