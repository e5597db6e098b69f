// SPDX-License-Identifier: Apache-2.0
#include "core/layers/hinge_loss.h"

#include "core/tolerance/hinge_loss.h"

namespace fovea {

void HingeLoss::describe(FieldVisitor& visitor) const {
  HingeLossOptions options = options_;
  fields(visitor, options);
}

Shape HingeLoss::output_shape(Shapes inputs) const {
  hinge_loss_geometry(options_, inputs[0], inputs[1]);
  return {1};
}

std::vector<SavedSpec> HingeLoss::saved(Shapes inputs) const { return {{"losses", inputs[1], DType::f32}}; }

void HingeLoss::forward(Ops& ops, const ForwardArgs& args) const {
  ops.hinge_loss_forward(options_, args.inputs[0], args.inputs[1], args.saved[0], args.output);
}

void HingeLoss::backward(Ops& ops, const BackwardArgs& args) const {
  if (args.input_gradients[0])
    ops.hinge_loss_backward(options_, args.inputs[0], args.inputs[1], args.output_gradient, args.input_gradients[0]);
}

void HingeLoss::forward_tolerance(ForwardToleranceArgs& args) const { hinge_loss_forward_tolerance(args, options_); }
void HingeLoss::backward_tolerance(BackwardToleranceArgs& args) const { hinge_loss_backward_tolerance(args, options_); }

}  // namespace fovea
