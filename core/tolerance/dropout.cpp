// SPDX-License-Identifier: Apache-2.0
#include "core/tolerance/dropout.h"

#include <cmath>

#include "core/tolerance/bound.h"

namespace fovea {
namespace {

// What every element of x is multiplied by: scale or 0. The gradient has the same factors.
Tensor factors(Ops& exact, const DropoutOptions& options, const RandomKey& key, const Shape& shape) {
  Tensor ones(shape, DType::f64), result(shape, DType::f64);
  for (double& v : ones.span<double>()) v = 1;
  exact.dropout_forward(options, key, ones.view(), result.view());
  return result;
}

Tensor scaled_tolerance(const Tensor& factors, const Uncertain& x, const Tensor& y) {
  Tensor result = make_tolerance(y);
  const auto out = result.span<double>();
  for (std::size_t i = 0; i < out.size(); ++i) {
    const double factor = values(factors)[i];
    const bool exact = factor == 0 || factor == 1;
    const double own = exact ? 0 : operation_bound * std::abs(values(y)[i]) + smallest_normal;
    out[i] = std::hypot(own, factor * tolerance_at(x, static_cast<std::int64_t>(i)));
  }
  return result;
}

}  // namespace

void dropout_forward_tolerance(ForwardToleranceArgs& args, const DropoutOptions& options) {
  const Tensor& y = args.output.value;
  args.output.tolerance = scaled_tolerance(factors(args.exact, options, args.random, y.shape()), args.inputs[0], y);
}

void dropout_backward_tolerance(BackwardToleranceArgs& args, const DropoutOptions& options) {
  Uncertain& dx = args.input_gradients[0];
  if (dx.value.empty()) return;
  dx.tolerance =
      scaled_tolerance(factors(args.exact, options, args.random, dx.value.shape()), args.output_gradient, dx.value);
}

}  // namespace fovea
