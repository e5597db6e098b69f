// SPDX-License-Identifier: Apache-2.0
#include "core/layers/linear.h"

#include <algorithm>

#include "core/tolerance/linear.h"

namespace fovea {

void Linear::describe(FieldVisitor& visitor) const {
  LinearOptions options = options_;
  fields(visitor, options);
}

std::vector<ParameterSpec> Linear::parameters(Shapes inputs) const {
  const Shape weight = linear_weight_shape(options_, inputs[0]);
  std::vector<ParameterSpec> specs{{.name = "weight",
                                    .shape = weight,
                                    .initializer = Initializer::kaiming_uniform,
                                    .fan_in = weight[1],
                                    .fan_out = weight[0],
                                    .narrow = true}};
  if (options_.bias) specs.push_back({"bias", Shape{options_.out_features}, Initializer::zeros, 0});
  return specs;
}

std::int64_t Linear::macs(Shapes inputs) const {
  const LinearGeometry g = linear_geometry(options_, inputs[0]);
  return g.N * g.I * g.O;
}

std::size_t Linear::workspace(Ops& ops, Direction direction, Shapes inputs) const {
  return workspace_in(ops, direction, DType::f32, inputs, {});
}

std::size_t Linear::workspace_in(Ops& ops, Direction direction, DType dtype, Shapes inputs, const StepLayouts&) const {
  const auto bytes = [&](LinearPass pass) { return ops.linear_workspace_in(pass, options_, inputs[0], dtype); };
  if (direction == Direction::forward) return bytes(LinearPass::forward);
  const std::size_t of_bias = options_.bias ? ops.bias_gradient_workspace(output_shape(inputs), Layout::nchw) : 0;
  return std::max({bytes(LinearPass::backward_data), bytes(LinearPass::backward_weight), of_bias});
}

void Linear::forward(Ops& ops, const ForwardArgs& args) const {
  const ConstView bias = options_.bias ? args.parameters[1] : ConstView{};
  const auto forward = args.relu ? &Ops::linear_forward_relu : &Ops::linear_forward;
  (ops.*forward)(options_, args.inputs[0], args.parameters[0], bias, args.output, args.workspace);
}

void Linear::backward(Ops& ops, const BackwardArgs& args) const {
  ops.linear_backward_weight(options_, args.inputs[0], args.output_gradient, args.parameter_gradients[0],
                             args.workspace);
  if (options_.bias) ops.bias_gradient(args.output_gradient, args.parameter_gradients[1], args.workspace);
  if (!args.input_gradients[0]) return;
  if (args.relu) {
    ops.linear_backward_data_relu(options_, args.inputs[0], args.output_gradient, args.parameters[0],
                                  args.input_gradients[0], args.workspace);
  } else {
    ops.linear_backward_data(options_, args.output_gradient, args.parameters[0], args.input_gradients[0],
                             args.workspace);
  }
}

void Linear::forward_tolerance(ForwardToleranceArgs& args) const { linear_forward_tolerance(args, options_); }
void Linear::backward_tolerance(BackwardToleranceArgs& args) const { linear_backward_tolerance(args, options_); }

}  // namespace fovea
