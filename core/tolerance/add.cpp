// SPDX-License-Identifier: Apache-2.0
#include "core/tolerance/add.h"

#include <cmath>

#include "core/tolerance/bound.h"

namespace fovea {

Tensor add_tolerance(const Uncertain& a, const Uncertain& b, const Tensor& y) {
  Tensor result = make_tolerance(y);
  const auto out = result.span<double>();
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto index = static_cast<std::int64_t>(i);
    const double own = operation_bound * std::abs(y.span<double>()[i]);
    // Not hypot of three: libstdc++ makes NaN of an infinity there.
    out[i] = std::hypot(own, std::hypot(tolerance_at(a, index), tolerance_at(b, index)));
  }
  return result;
}

void add_forward_tolerance(ForwardToleranceArgs& args) {
  args.output.tolerance = add_tolerance(args.inputs[0], args.inputs[1], args.output.value);
}

void add_backward_tolerance(BackwardToleranceArgs& args) {
  for (Uncertain& gradient : args.input_gradients) {
    if (!gradient.value.empty()) gradient.tolerance = args.output_gradient.tolerance;  // copies of dy
  }
}

}  // namespace fovea
