// SPDX-License-Identifier: Apache-2.0
#include "core/layers/conv2d.h"

#include <algorithm>

#include "core/tolerance/conv2d.h"

namespace fovea {

void Conv2d::describe(FieldVisitor& visitor) const {
  Conv2dOptions options = options_;
  fields(visitor, options);
}

Shape Conv2d::output_shape(Shapes inputs) const { return conv2d_output_shape(options_, inputs[0]); }

std::vector<ParameterSpec> Conv2d::parameters(Shapes inputs) const {
  const Shape filter = conv2d_filter_shape(options_, inputs[0]);
  const std::int64_t fan_in = filter[1] * filter[2] * filter[3];
  const std::int64_t fan_out = filter[0] / options_.groups * filter[2] * filter[3];
  std::vector<ParameterSpec> specs{{.name = "weight",
                                    .shape = filter,
                                    .initializer = Initializer::kaiming_uniform,
                                    .fan_in = fan_in,
                                    .fan_out = fan_out,
                                    .narrow = true}};
  if (options_.bias) specs.push_back({"bias", Shape{options_.out_channels}, Initializer::zeros, 0});
  return specs;
}

std::int64_t Conv2d::macs(Shapes inputs) const {
  const Conv2dGeometry g = conv2d_geometry(options_, inputs[0]);
  return g.N * g.K * g.P * g.Q * g.channels_per_group() * g.R * g.S;
}

ReceptiveWindow Conv2d::window() const {
  return {
      .extent = {options_.dilation.h * (options_.kernel.h - 1) + 1, options_.dilation.w * (options_.kernel.w - 1) + 1},
      .stride = options_.stride};
}

std::size_t Conv2d::workspace(Ops& ops, Direction direction, Shapes inputs) const {
  if (direction == Direction::forward) return ops.conv2d_workspace(Conv2dPass::forward, options_, inputs[0]);
  const std::size_t of_bias = options_.bias ? ops.bias_gradient_workspace(output_shape(inputs), Layout::nchw) : 0;
  return std::max({ops.conv2d_workspace(Conv2dPass::backward_data, options_, inputs[0]),
                   ops.conv2d_workspace(Conv2dPass::backward_filter, options_, inputs[0]), of_bias});
}

StepLayouts Conv2d::layouts(Ops& ops, Phase phase, DType dtype, Shapes inputs, std::span<const Layout> given) const {
  const Conv2dLayouts best = ops.conv2d_layouts(options_, inputs[0], dtype, given[0], phase == Phase::training);
  return {{best.x}, best.y, {best.dx}};
}

std::size_t Conv2d::workspace_in(Ops& ops, Direction direction, DType dtype, Shapes inputs,
                                 const StepLayouts& layouts) const {
  const auto bytes = [&](Conv2dPass pass) {
    return ops.conv2d_workspace_in(pass, options_, inputs[0], dtype,
                                   {layouts.inputs[0], layouts.output, layouts.input_gradients[0]});
  };
  if (direction == Direction::forward) return bytes(Conv2dPass::forward);
  const std::size_t of_bias = options_.bias ? ops.bias_gradient_workspace(output_shape(inputs), layouts.output) : 0;
  return std::max({bytes(Conv2dPass::backward_data), bytes(Conv2dPass::backward_filter), of_bias});
}

void Conv2d::forward(Ops& ops, const ForwardArgs& args) const {
  const ConstView bias = options_.bias ? args.parameters[1] : ConstView{};
  const auto forward = args.relu ? &Ops::conv2d_forward_relu : &Ops::conv2d_forward;
  (ops.*forward)(options_, args.inputs[0], args.parameters[0], bias, args.output, args.workspace);
}

void Conv2d::backward(Ops& ops, const BackwardArgs& args) const {
  ops.conv2d_backward_filter(options_, args.inputs[0], args.output_gradient, args.parameter_gradients[0],
                             args.workspace);
  if (options_.bias) ops.bias_gradient(args.output_gradient, args.parameter_gradients[1], args.workspace);
  if (!args.input_gradients[0]) return;
  if (args.relu) {
    ops.conv2d_backward_data_relu(options_, args.inputs[0], args.output_gradient, args.parameters[0],
                                  args.input_gradients[0], args.workspace);
  } else {
    ops.conv2d_backward_data(options_, args.output_gradient, args.parameters[0], args.input_gradients[0],
                             args.workspace);
  }
}

void Conv2d::forward_tolerance(ForwardToleranceArgs& args) const { conv2d_forward_tolerance(args, options_); }
void Conv2d::backward_tolerance(BackwardToleranceArgs& args) const { conv2d_backward_tolerance(args, options_); }

}  // namespace fovea
