// SPDX-License-Identifier: Apache-2.0
#include "core/layers/conv_transpose2d.h"

#include <algorithm>

#include "core/tolerance/conv_transpose2d.h"

namespace fovea {

void ConvTranspose2d::describe(FieldVisitor& visitor) const {
  ConvTranspose2dOptions options = options_;
  fields(visitor, options);
}

std::vector<ParameterSpec> ConvTranspose2d::parameters(Shapes inputs) const {
  const Shape y = output_shape(inputs);
  const Shape filter = conv2d_filter_shape(conv_transpose2d_convolution(options_, inputs[0]), y);
  // Of the C/groups R S products, only every stride-th row and column meets an input pixel.
  const std::int64_t products = filter[0] / options_.groups * filter[2] * filter[3];
  const std::int64_t fan_in = std::max<std::int64_t>(products / (options_.stride.h * options_.stride.w), 1);
  const std::int64_t fan_out = filter[1] * filter[2] * filter[3];
  std::vector<ParameterSpec> specs{{.name = "weight",
                                    .shape = filter,
                                    .initializer = Initializer::kaiming_uniform,
                                    .fan_in = fan_in,
                                    .fan_out = fan_out,
                                    .narrow = true}};
  if (options_.bias) specs.push_back({"bias", Shape{options_.out_channels}, Initializer::zeros, 0});
  return specs;
}

std::int64_t ConvTranspose2d::macs(Shapes inputs) const {
  return inputs[0].elements() * (options_.out_channels / options_.groups) * options_.kernel.h * options_.kernel.w;
}

// The input pixels that one output sees. Neighbouring outputs look less than one input apart, for which a stride has no
// number: receptive fields behind are upper limits.
ReceptiveWindow ConvTranspose2d::window() const {
  const auto extent = [](std::int64_t kernel, std::int64_t stride, std::int64_t dilation) {
    return (dilation * (kernel - 1) + stride) / stride;
  };
  return {.extent = {extent(options_.kernel.h, options_.stride.h, options_.dilation.h),
                     extent(options_.kernel.w, options_.stride.w, options_.dilation.w)},
          .magnification = options_.stride};
}

std::size_t ConvTranspose2d::workspace(Ops& ops, Direction direction, Shapes inputs) const {
  return workspace_in(ops, direction, DType::f32, inputs, {});
}

// Images are plain.
std::size_t ConvTranspose2d::workspace_in(Ops& ops, Direction direction, DType dtype, Shapes inputs,
                                          const StepLayouts&) const {
  const Shape y = output_shape(inputs);
  const Conv2dOptions convolution = conv_transpose2d_convolution(options_, inputs[0]);
  const auto bytes = [&](Conv2dPass pass) { return ops.conv2d_workspace_in(pass, convolution, y, dtype, {}); };
  if (direction == Direction::forward) return bytes(Conv2dPass::backward_data);
  const std::size_t of_bias = options_.bias ? ops.bias_gradient_workspace(y, Layout::nchw) : 0;
  return std::max({bytes(Conv2dPass::forward), bytes(Conv2dPass::backward_filter), of_bias});
}

void ConvTranspose2d::forward(Ops& ops, const ForwardArgs& args) const {
  const ConstView& x = args.inputs[0];
  ops.conv2d_backward_data(conv_transpose2d_convolution(options_, x.shape), x, args.parameters[0], args.output,
                           args.workspace);
  if (options_.bias) ops.bias_add(args.parameters[1], args.output);
}

void ConvTranspose2d::backward(Ops& ops, const BackwardArgs& args) const {
  const ConstView &x = args.inputs[0], &dy = args.output_gradient;
  const Conv2dOptions convolution = conv_transpose2d_convolution(options_, x.shape);
  ops.conv2d_backward_filter(convolution, dy, x, args.parameter_gradients[0], args.workspace);
  if (options_.bias) ops.bias_gradient(dy, args.parameter_gradients[1], args.workspace);
  if (args.input_gradients[0])
    ops.conv2d_forward(convolution, dy, args.parameters[0], {}, args.input_gradients[0], args.workspace);
}

void ConvTranspose2d::forward_tolerance(ForwardToleranceArgs& args) const {
  conv_transpose2d_forward_tolerance(args, options_);
}
void ConvTranspose2d::backward_tolerance(BackwardToleranceArgs& args) const {
  conv_transpose2d_backward_tolerance(args, options_);
}

}  // namespace fovea
