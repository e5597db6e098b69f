// SPDX-License-Identifier: Apache-2.0
#include "core/tolerance/conv_transpose2d.h"

#include <cmath>

#include "core/tolerance/bias.h"
#include "core/tolerance/bound.h"

namespace fovea {

void conv_transpose2d_forward_tolerance(ForwardToleranceArgs& args, const ConvTranspose2dOptions& options) {
  const Conv2dOptions convolution = conv_transpose2d_convolution(options, args.inputs[0].value.shape());
  // Of the convolution from y to x: its filters are our input channels.
  const Conv2dGeometry g = conv2d_geometry(convolution, args.output.value.shape());
  const std::int64_t products = g.filters_per_group() * g.R * g.S + (options.bias ? 1 : 0);
  const auto op = [&](const Tensor& x, const Tensor& w, const Tensor& bias) {
    Tensor y = make_tolerance(args.output.value);
    args.exact.conv2d_backward_data(convolution, x.view(), w.view(), y.view(), {});
    if (!bias.empty()) args.exact.bias_add(bias.view(), y.view());
    return y;
  };
  args.output.tolerance = product_sum_tolerance(products, args.output.value, args.inputs[0], args.parameters[0],
                                                options.bias ? &args.parameters[1] : nullptr, op);
  if (!options.bias || !is_16_bit(args.dtype)) return;
  // The sum is stored before the bias is added to it.
  const Tensor sum = op(args.inputs[0].value, args.parameters[0].value, {});
  const auto out = args.output.tolerance.span<double>();
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] += storage_rounding(args.dtype, std::abs(values(sum)[i]) + out[i]);
}

void conv_transpose2d_backward_tolerance(BackwardToleranceArgs& args, const ConvTranspose2dOptions& options) {
  const Uncertain &x = args.inputs[0], &dy = args.output_gradient;
  const Conv2dOptions convolution = conv_transpose2d_convolution(options, x.value.shape());
  const Conv2dGeometry g = conv2d_geometry(convolution, dy.value.shape());
  if (Uncertain& dx = args.input_gradients[0]; !dx.value.empty()) {
    const auto op = [&](const Tensor& dy2, const Tensor& w2, const Tensor&) {
      Tensor result = make_tolerance(dx.value);
      args.exact.conv2d_forward(convolution, dy2.view(), w2.view(), {}, result.view(), {});
      return result;
    };
    const std::int64_t products = g.channels_per_group() * g.R * g.S;
    dx.tolerance = product_sum_tolerance(products, dx.value, dy, args.parameters[0], nullptr, op);
  }
  if (Uncertain& dw = args.parameter_gradients[0]; !dw.value.empty()) {
    const auto op = [&](const Tensor& dy2, const Tensor& x2, const Tensor&) {
      Tensor result = make_tolerance(dw.value);
      args.exact.conv2d_backward_filter(convolution, dy2.view(), x2.view(), result.view(), {});
      return result;
    };
    dw.tolerance = product_sum_tolerance(g.N * g.P * g.Q, dw.value, dy, x, nullptr, op);
  }
  if (options.bias) bias_gradient_tolerance(args.exact, dy, args.parameter_gradients[1]);
}

}  // namespace fovea
