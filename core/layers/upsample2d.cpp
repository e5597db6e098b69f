// SPDX-License-Identifier: Apache-2.0
#include "core/layers/upsample2d.h"

#include "core/tolerance/upsample2d.h"

namespace fovea {

void Upsample2d::describe(FieldVisitor& visitor) const {
  Upsample2dOptions options = options_;
  fields(visitor, options);
}

void Upsample2d::forward(Ops& ops, const ForwardArgs& args) const {
  ops.upsample2d_forward(options_, args.inputs[0], args.output);
}

void Upsample2d::backward(Ops& ops, const BackwardArgs& args) const {
  if (args.input_gradients[0]) ops.upsample2d_backward(options_, args.output_gradient, args.input_gradients[0]);
}

void Upsample2d::forward_tolerance(ForwardToleranceArgs& args) const { upsample2d_forward_tolerance(args, options_); }
void Upsample2d::backward_tolerance(BackwardToleranceArgs& args) const {
  upsample2d_backward_tolerance(args, options_);
}

}  // namespace fovea
