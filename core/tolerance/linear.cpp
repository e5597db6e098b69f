// SPDX-License-Identifier: Apache-2.0
#include "core/tolerance/linear.h"

#include "core/tolerance/bias.h"
#include "core/tolerance/bound.h"

namespace fovea {

void linear_forward_tolerance(ForwardToleranceArgs& args, const LinearOptions& options) {
  const LinearGeometry g = linear_geometry(options, args.inputs[0].value.shape());
  const auto op = [&](const Tensor& x, const Tensor& w, const Tensor& bias) {
    Tensor y = make_tolerance(args.output.value);
    args.exact.linear_forward(options, x.view(), w.view(), bias.empty() ? ConstView{} : bias.view(), y.view(), {});
    return y;
  };
  args.output.tolerance = product_sum_tolerance(g.I + (options.bias ? 1 : 0), args.output.value, args.inputs[0],
                                                args.parameters[0], options.bias ? &args.parameters[1] : nullptr, op);
}

void linear_backward_tolerance(BackwardToleranceArgs& args, const LinearOptions& options) {
  const LinearGeometry g = linear_geometry(options, args.inputs[0].value.shape());
  const Uncertain& dy = args.output_gradient;
  if (Uncertain& dx = args.input_gradients[0]; !dx.value.empty()) {
    const auto op = [&](const Tensor& dy2, const Tensor& w2, const Tensor&) {
      Tensor result = make_tolerance(dx.value);
      args.exact.linear_backward_data(options, dy2.view(), w2.view(), result.view(), {});
      return result;
    };
    dx.tolerance = product_sum_tolerance(g.O, dx.value, dy, args.parameters[0], nullptr, op);
  }
  if (Uncertain& dw = args.parameter_gradients[0]; !dw.value.empty()) {
    const auto op = [&](const Tensor& dy2, const Tensor& x2, const Tensor&) {
      Tensor result = make_tolerance(dw.value);
      args.exact.linear_backward_weight(options, x2.view(), dy2.view(), result.view(), {});
      return result;
    };
    dw.tolerance = product_sum_tolerance(g.N, dw.value, dy, args.inputs[0], nullptr, op);
  }
  if (options.bias) bias_gradient_tolerance(args.exact, dy, args.parameter_gradients[1]);
}

}  // namespace fovea
