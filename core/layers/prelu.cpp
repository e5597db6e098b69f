// SPDX-License-Identifier: Apache-2.0
#include "core/layers/prelu.h"

#include "core/tolerance/prelu.h"

namespace fovea {

void Prelu::describe(FieldVisitor& visitor) const {
  PreluOptions options = options_;
  fields(visitor, options);
}

Shape Prelu::output_shape(Shapes inputs) const {
  prelu_slope_shape(options_, inputs[0]);
  return inputs[0];
}

std::vector<ParameterSpec> Prelu::parameters(Shapes inputs) const {
  return {{"weight", prelu_slope_shape(options_, inputs[0]), Initializer::constant, 0, {options_.initial}}};
}

std::size_t Prelu::workspace(Ops& ops, Direction direction, Shapes inputs) const {
  return direction == Direction::forward ? 0 : ops.prelu_workspace(inputs[0]);
}

void Prelu::forward(Ops& ops, const ForwardArgs& args) const {
  ops.prelu_forward(args.inputs[0], args.parameters[0], args.output);
}

void Prelu::backward(Ops& ops, const BackwardArgs& args) const {
  ops.prelu_backward_slope(args.inputs[0], args.output_gradient, args.parameter_gradients[0], args.workspace);
  if (args.input_gradients[0])
    ops.prelu_backward_data(args.inputs[0], args.parameters[0], args.output_gradient, args.input_gradients[0]);
}

void Prelu::forward_tolerance(ForwardToleranceArgs& args) const { prelu_forward_tolerance(args); }
void Prelu::backward_tolerance(BackwardToleranceArgs& args) const { prelu_backward_tolerance(args); }

}  // namespace fovea
