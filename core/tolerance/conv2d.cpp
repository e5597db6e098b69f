// SPDX-License-Identifier: Apache-2.0
#include "core/tolerance/conv2d.h"

#include "core/tolerance/bias.h"
#include "core/tolerance/bound.h"

namespace fovea {

void conv2d_forward_tolerance(ForwardToleranceArgs& args, const Conv2dOptions& options) {
  const Conv2dGeometry g = conv2d_geometry(options, args.inputs[0].value.shape());
  const std::int64_t products = g.channels_per_group() * g.R * g.S + (options.bias ? 1 : 0);
  const auto op = [&](const Tensor& x, const Tensor& w, const Tensor& bias) {
    Tensor y = make_tolerance(args.output.value);
    args.exact.conv2d_forward(options, x.view(), w.view(), bias.empty() ? ConstView{} : bias.view(), y.view(), {});
    return y;
  };
  args.output.tolerance = product_sum_tolerance(products, args.output.value, args.inputs[0], args.parameters[0],
                                                options.bias ? &args.parameters[1] : nullptr, op);
}

void conv2d_backward_tolerance(BackwardToleranceArgs& args, const Conv2dOptions& options) {
  const Conv2dGeometry g = conv2d_geometry(options, args.inputs[0].value.shape());
  const Uncertain& dy = args.output_gradient;
  if (Uncertain& dx = args.input_gradients[0]; !dx.value.empty()) {
    const auto op = [&](const Tensor& dy2, const Tensor& w2, const Tensor&) {
      Tensor result = make_tolerance(dx.value);
      args.exact.conv2d_backward_data(options, dy2.view(), w2.view(), result.view(), {});
      return result;
    };
    const std::int64_t products = g.filters_per_group() * g.R * g.S;
    dx.tolerance = product_sum_tolerance(products, dx.value, dy, args.parameters[0], nullptr, op);
  }
  if (Uncertain& dw = args.parameter_gradients[0]; !dw.value.empty()) {
    const auto op = [&](const Tensor& dy2, const Tensor& x2, const Tensor&) {
      Tensor result = make_tolerance(dw.value);
      args.exact.conv2d_backward_filter(options, x2.view(), dy2.view(), result.view(), {});
      return result;
    };
    dw.tolerance = product_sum_tolerance(g.N * g.P * g.Q, dw.value, dy, args.inputs[0], nullptr, op);
  }
  if (options.bias) bias_gradient_tolerance(args.exact, dy, args.parameter_gradients[1]);
}

}  // namespace fovea
