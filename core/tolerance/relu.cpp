// SPDX-License-Identifier: Apache-2.0
#include "core/tolerance/relu.h"

#include <cmath>

#include "core/tolerance/bound.h"

namespace fovea {

void relu_forward_tolerance(ForwardToleranceArgs& args) {
  const Uncertain& x = args.inputs[0];
  args.decisions += x.value.elements();
  if (x.tolerance.empty()) return;
  args.output.tolerance = make_tolerance(args.output.value);
  const auto in = values(x.value), tolerance = values(x.tolerance);
  const auto out = args.output.tolerance.span<double>();
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (tolerance[i] > 0 && std::abs(in[i]) <= tolerance[i]) ++args.undecided;
    out[i] = in[i] < -tolerance[i] ? 0 : tolerance[i];
  }
}

void relu_backward_tolerance(BackwardToleranceArgs& args) {
  const Uncertain &y = args.output, &dy = args.output_gradient;
  Uncertain& dx = args.input_gradients[0];
  if (dx.value.empty() || (y.tolerance.empty() && dy.tolerance.empty())) return;
  dx.tolerance = make_tolerance(dx.value);
  const auto out = dx.tolerance.span<double>();
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto index = static_cast<std::int64_t>(i);
    const double value = values(y.value)[i], tolerance = tolerance_at(y, index), incoming = tolerance_at(dy, index);
    const bool undecided = tolerance > 0 && value <= tolerance;
    if (undecided) {
      out[i] = std::abs(values(dy.value)[i]) + incoming;
    } else {
      out[i] = value == 0 ? 0 : incoming;
    }
  }
}

}  // namespace fovea
