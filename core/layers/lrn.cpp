// SPDX-License-Identifier: Apache-2.0
#include "core/layers/lrn.h"

#include "core/tolerance/lrn.h"

namespace fovea {

void Lrn::describe(FieldVisitor& visitor) const {
  LrnOptions options = options_;
  fields(visitor, options);
}

Shape Lrn::output_shape(Shapes inputs) const {
  lrn_geometry(options_, inputs[0]);  // throws where the input does not fit
  return inputs[0];
}

ReceptiveWindow Lrn::window() const {
  return {.extent = options_.region == LrnRegion::within ? Size2(options_.size) : Size2(1)};
}

void Lrn::forward(Ops& ops, const ForwardArgs& args) const {
  ops.lrn_forward(options_, args.inputs[0], args.output, args.saved[0]);
}

void Lrn::backward(Ops& ops, const BackwardArgs& args) const {
  if (args.input_gradients[0])
    ops.lrn_backward(options_, args.inputs[0], args.output, args.saved[0], args.output_gradient,
                     args.input_gradients[0]);
}

void Lrn::forward_tolerance(ForwardToleranceArgs& args) const { lrn_forward_tolerance(args, options_); }
void Lrn::backward_tolerance(BackwardToleranceArgs& args) const { lrn_backward_tolerance(args, options_); }

}  // namespace fovea
