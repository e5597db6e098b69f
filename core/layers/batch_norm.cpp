// SPDX-License-Identifier: Apache-2.0
#include "core/layers/batch_norm.h"

#include "core/tolerance/batch_norm.h"

namespace fovea {

void BatchNorm::describe(FieldVisitor& visitor) const {
  BatchNormOptions options = options_;
  fields(visitor, options);
}

Shape BatchNorm::output_shape(Shapes inputs) const {
  batch_norm_geometry(options_, inputs[0]);  // throws where the input does not fit
  return inputs[0];
}

void BatchNorm::check(Phase phase, Shapes inputs) const {
  if (phase == Phase::training && !options_.frozen) require_batch_statistics(batch_norm_geometry(options_, inputs[0]));
}

std::vector<ParameterSpec> BatchNorm::parameters(Shapes inputs) const {
  const Shape channels{inputs[0][1]};
  return {{.name = "weight", .shape = channels, .initializer = Initializer::constant, .constant = {1}},
          {.name = "bias", .shape = channels}};
}

std::vector<ParameterSpec> BatchNorm::state(Shapes inputs) const {
  const Shape channels{inputs[0][1]};
  return {{.name = "running_mean", .shape = channels},
          {.name = "running_var", .shape = channels, .initializer = Initializer::constant, .constant = {1}}};
}

std::vector<SavedSpec> BatchNorm::saved(Shapes inputs) const {
  if (options_.frozen) return {};
  const Shape channels{inputs[0][1]};
  return {{.name = "mean", .shape = channels}, {.name = "inverse_deviation", .shape = channels}};
}

std::size_t BatchNorm::workspace(Ops& ops, Direction, Shapes inputs) const {
  return ops.batch_norm_workspace(inputs[0], Layout::nchw);
}

std::size_t BatchNorm::workspace_in(Ops& ops, Direction, DType, Shapes inputs, const StepLayouts& layouts) const {
  return ops.batch_norm_workspace(inputs[0], layouts.inputs[0]);
}

void BatchNorm::forward(Ops& ops, const ForwardArgs& args) const {
  if (args.phase == Phase::training && !options_.frozen) {
    const auto forward = args.relu ? &Ops::batch_norm_forward_relu : &Ops::batch_norm_forward;
    (ops.*forward)(options_, args.inputs[0], args.parameters[0], args.parameters[1], args.state[0], args.state[1],
                   args.output, args.saved[0], args.saved[1], args.workspace);
  } else {
    const auto inference = args.relu ? &Ops::batch_norm_inference_relu : &Ops::batch_norm_inference;
    (ops.*inference)(options_, args.inputs[0], args.parameters[0], args.parameters[1], args.state[0], args.state[1],
                     args.output);
  }
}

void BatchNorm::backward(Ops& ops, const BackwardArgs& args) const {
  if (options_.frozen) {
    ops.batch_norm_inference_backward(options_, args.inputs[0], args.parameters[0], args.state[0], args.state[1],
                                      args.output_gradient, args.input_gradients[0], args.parameter_gradients[0],
                                      args.parameter_gradients[1], args.workspace);
  } else {
    ops.batch_norm_backward(options_, args.inputs[0], args.parameters[0], args.saved[0], args.saved[1],
                            args.output_gradient, args.input_gradients[0], args.parameter_gradients[0],
                            args.parameter_gradients[1], args.workspace);
  }
}

void BatchNorm::forward_tolerance(ForwardToleranceArgs& args) const {
  if (args.phase == Phase::training && !options_.frozen) {
    batch_norm_forward_tolerance(args, options_);
  } else {
    batch_norm_inference_tolerance(args, options_);
  }
}

void BatchNorm::backward_tolerance(BackwardToleranceArgs& args) const {
  if (options_.frozen) {
    batch_norm_inference_backward_tolerance(args, options_);
  } else {
    batch_norm_backward_tolerance(args, options_);
  }
}

}  // namespace fovea
