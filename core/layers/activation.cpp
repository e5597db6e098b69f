// SPDX-License-Identifier: Apache-2.0
#include "core/layers/activation.h"

#include "core/tolerance/activation.h"

namespace fovea {

std::string_view Activation::type() const { return activation_names[static_cast<std::size_t>(options_.kind)].second; }

void Activation::forward(Ops& ops, const ForwardArgs& args) const {
  ops.activation_forward(options_, args.inputs[0], args.output);
}

void Activation::backward(Ops& ops, const BackwardArgs& args) const {
  if (args.input_gradients[0])
    ops.activation_backward(options_, args.inputs[0], args.output_gradient, args.input_gradients[0]);
}

void Activation::forward_tolerance(ForwardToleranceArgs& args) const { activation_forward_tolerance(args, options_); }
void Activation::backward_tolerance(BackwardToleranceArgs& args) const {
  activation_backward_tolerance(args, options_);
}

void LeakyRelu::describe(FieldVisitor& visitor) const {
  LeakyReluOptions options = written_;
  fields(visitor, options);
}

void Elu::describe(FieldVisitor& visitor) const {
  EluOptions options = written_;
  fields(visitor, options);
}

}  // namespace fovea
