// SPDX-License-Identifier: Apache-2.0
#include "core/tolerance/tanh.h"

#include <algorithm>
#include <cmath>

#include "core/tolerance/bound.h"

namespace fovea {

void tanh_forward_tolerance(ForwardToleranceArgs& args) {
  const Uncertain& x = args.inputs[0];
  args.output.tolerance = make_tolerance(args.output.value);
  const auto in = values(x.value), y = values(args.output.value);
  const auto out = args.output.tolerance.span<double>();
  for (std::size_t i = 0; i < out.size(); ++i) {
    const double tolerance = tolerance_at(x, static_cast<std::int64_t>(i));
    // The steepest slope over all inputs that the tolerance allows.
    const double nearest = std::tanh(std::max(std::abs(in[i]) - tolerance, 0.0));
    out[i] = std::hypot((1 - nearest * nearest) * tolerance, operation_bound * std::abs(y[i]) + smallest_normal);
  }
}

void tanh_backward_tolerance(BackwardToleranceArgs& args) {
  const Uncertain &y = args.output, &dy = args.output_gradient;
  Uncertain& dx = args.input_gradients[0];
  if (dx.value.empty()) return;
  dx.tolerance = make_tolerance(dx.value);
  const auto out = dx.tolerance.span<double>();
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto index = static_cast<std::int64_t>(i);
    const double value = std::abs(values(y.value)[i]), gradient = std::abs(values(dy.value)[i]);
    const double result = std::abs(values(dx.value)[i]);
    const double ty = tolerance_at(y, index), tdy = tolerance_at(dy, index);
    // y*y, then 1 - y*y (which cancels when |y| is near 1), then the product with dy.
    const double own = operation_bound * (gradient * value * value + 2 * result) + smallest_normal;
    const double from_y = (2 * value + ty) * ty * (gradient + tdy), from_dy = (1 - value * value) * tdy;
    out[i] = std::sqrt(own * own + from_y * from_y + from_dy * from_dy);
  }
}

}  // namespace fovea
