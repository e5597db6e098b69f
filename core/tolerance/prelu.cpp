// SPDX-License-Identifier: Apache-2.0
#include "core/tolerance/prelu.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/tolerance/bound.h"

namespace fovea {
namespace {

struct Slope {
  double value, tolerance;
};
// The slope that element i of x has.
Slope slope_at(const PreluGeometry& g, const Uncertain& slope, std::size_t i) {
  const std::int64_t k = static_cast<std::int64_t>(i) / g.positions % g.slopes;
  return {values(slope.value)[static_cast<std::size_t>(k)], tolerance_at(slope, k)};
}

void data_gradient_tolerance(BackwardToleranceArgs& args, const PreluGeometry& g) {
  const Uncertain &x = args.inputs[0], &dy = args.output_gradient;
  Uncertain& dx = args.input_gradients[0];
  dx.tolerance = make_tolerance(dx.value);
  const auto in = values(x.value), gradient = values(dy.value), result = values(dx.value);
  const auto out = dx.tolerance.span<double>();
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto index = static_cast<std::int64_t>(i);
    const double tx = tolerance_at(x, index), tdy = tolerance_at(dy, index), size = std::abs(gradient[i]);
    if (in[i] > tx) {  // a copy of dy on every device
      out[i] = tdy;
      continue;
    }
    const Slope a = slope_at(g, args.parameters[0], i);
    const double steepest = std::abs(a.value) + a.tolerance;
    const double own = operation_bound * std::abs(result[i]) + smallest_normal;
    const bool undecided = tx > 0 && in[i] >= -tx;  // dy or a dy
    const double from_x = undecided ? std::abs(1 - a.value) * size : 0;
    out[i] = from_x +
             std::hypot(own, std::hypot(a.tolerance * size, (undecided ? std::max(1.0, steepest) : steepest) * tdy));
  }
}

// da = sum of min(x, 0) dy: x counts with its tolerance unless it is positive on every device.
void slope_gradient_tolerance(BackwardToleranceArgs& args, const PreluGeometry& g) {
  const Uncertain &x = args.inputs[0], &dy = args.output_gradient;
  Uncertain& da = args.parameter_gradients[0];
  const auto in = values(x.value), gradient = values(dy.value);
  const auto slopes = static_cast<std::size_t>(g.slopes);
  std::vector<double> squares(slopes), propagated(slopes);
  for (std::size_t i = 0; i < in.size(); ++i) {
    const auto index = static_cast<std::int64_t>(i);
    const auto k = static_cast<std::size_t>(index / g.positions % g.slopes);
    const double tx = tolerance_at(x, index), tdy = tolerance_at(dy, index);
    const double negative = std::min(in[i], 0.0), product = negative * gradient[i];
    squares[k] += product * product;
    const double from_x = in[i] > tx ? 0 : tx * (std::abs(gradient[i]) + tdy), from_dy = negative * tdy;
    propagated[k] += from_x * from_x + from_dy * from_dy;
  }
  const auto products = static_cast<double>(x.value.elements() / g.slopes);
  da.tolerance = make_tolerance(da.value);
  for (std::size_t k = 0; k < slopes; ++k) {
    const double own = sum_tolerance(products, values(da.value)[k], squares[k]);
    da.tolerance.span<double>()[k] = std::sqrt(own * own + propagated[k]);
  }
}

}  // namespace

void prelu_forward_tolerance(ForwardToleranceArgs& args) {
  const Uncertain& x = args.inputs[0];
  const PreluGeometry g = prelu_geometry(x.value.shape(), args.parameters[0].value.shape());
  args.decisions += x.value.elements();
  args.output.tolerance = make_tolerance(args.output.value);
  const auto in = values(x.value), y = values(args.output.value);
  const auto out = args.output.tolerance.span<double>();
  for (std::size_t i = 0; i < out.size(); ++i) {
    const double tx = tolerance_at(x, static_cast<std::int64_t>(i));
    if (in[i] > tx) {  // a copy of x on every device
      out[i] = tx;
      continue;
    }
    const Slope a = slope_at(g, args.parameters[0], i);
    const bool undecided = tx > 0 && in[i] >= -tx;
    if (undecided) ++args.undecided;
    const double steepest = std::abs(a.value) + a.tolerance;
    const double own = operation_bound * std::abs(y[i]) + smallest_normal;
    out[i] = std::hypot(
        own, std::hypot(a.tolerance * std::abs(in[i]), (undecided ? std::max(1.0, steepest) : steepest) * tx));
  }
}

void prelu_backward_tolerance(BackwardToleranceArgs& args) {
  const PreluGeometry g = prelu_geometry(args.inputs[0].value.shape(), args.parameters[0].value.shape());
  if (!args.input_gradients[0].value.empty()) data_gradient_tolerance(args, g);
  if (!args.parameter_gradients[0].value.empty()) slope_gradient_tolerance(args, g);
}

}  // namespace fovea
