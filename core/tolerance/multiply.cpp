// SPDX-License-Identifier: Apache-2.0
#include "core/tolerance/multiply.h"

#include <cmath>

#include "core/tolerance/bound.h"

namespace fovea {
namespace {

// The tolerance of y = a * b. Two contributions only, and both factors may come from one input (x * sigmoid(x)), which
// makes their errors agree in sign: they add up as they are, not like the root of the sum of squares.
Tensor product_tolerance(const Uncertain& a, const Uncertain& b, const Tensor& y) {
  Tensor result = make_tolerance(y);
  const auto out = result.span<double>();
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto index = static_cast<std::int64_t>(i);
    const double ta = tolerance_at(a, index), tb = tolerance_at(b, index);
    const double own = operation_bound * std::abs(values(y)[i]) + smallest_normal;
    out[i] = std::hypot(own, std::abs(values(a.value)[i]) * tb + std::abs(values(b.value)[i]) * ta + ta * tb);
  }
  return result;
}

}  // namespace

void multiply_forward_tolerance(ForwardToleranceArgs& args) {
  args.output.tolerance = product_tolerance(args.inputs[0], args.inputs[1], args.output.value);
}

void multiply_backward_tolerance(BackwardToleranceArgs& args) {
  for (const std::size_t i : {0, 1})
    if (Uncertain& dx = args.input_gradients[i]; !dx.value.empty())
      dx.tolerance = product_tolerance(args.inputs[1 - i], args.output_gradient, dx.value);
}

}  // namespace fovea
