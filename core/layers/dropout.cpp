// SPDX-License-Identifier: Apache-2.0
#include "core/layers/dropout.h"

#include "core/tolerance/dropout.h"

namespace fovea {

void Dropout::describe(FieldVisitor& visitor) const {
  DropoutOptions options = options_;
  fields(visitor, options);
}

Shape Dropout::output_shape(Shapes inputs) const {
  dropout_scale(options_);  // options made in a program have not been through fields()
  return inputs[0];
}

void Dropout::forward(Ops& ops, const ForwardArgs& args) const {
  ops.dropout_forward(options_, args.random, args.inputs[0], args.output);
}

void Dropout::backward(Ops& ops, const BackwardArgs& args) const {
  if (args.input_gradients[0])
    ops.dropout_backward(options_, args.random, args.output_gradient, args.input_gradients[0]);
}

void Dropout::forward_tolerance(ForwardToleranceArgs& args) const { dropout_forward_tolerance(args, options_); }
void Dropout::backward_tolerance(BackwardToleranceArgs& args) const { dropout_backward_tolerance(args, options_); }

}  // namespace fovea
