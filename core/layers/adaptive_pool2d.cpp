// SPDX-License-Identifier: Apache-2.0
#include "core/layers/adaptive_pool2d.h"

#include "core/tolerance/adaptive_pool2d.h"

namespace fovea {

void AdaptiveAvgPool2d::describe(FieldVisitor& visitor) const {
  AdaptivePool2dOptions options = options_;
  fields(visitor, options);
}

void AdaptiveAvgPool2d::forward(Ops& ops, const ForwardArgs& args) const {
  ops.adaptive_avg_pool2d_forward(options_, args.inputs[0], args.output);
}

void AdaptiveAvgPool2d::backward(Ops& ops, const BackwardArgs& args) const {
  if (args.input_gradients[0])
    ops.adaptive_avg_pool2d_backward(options_, args.output_gradient, args.input_gradients[0]);
}

void AdaptiveAvgPool2d::forward_tolerance(ForwardToleranceArgs& args) const {
  adaptive_avg_pool2d_forward_tolerance(args, options_);
}
void AdaptiveAvgPool2d::backward_tolerance(BackwardToleranceArgs& args) const {
  adaptive_avg_pool2d_backward_tolerance(args, options_);
}

void AdaptiveMaxPool2d::describe(FieldVisitor& visitor) const {
  AdaptivePool2dOptions options = options_;
  fields(visitor, options);
}

void AdaptiveMaxPool2d::forward(Ops& ops, const ForwardArgs& args) const {
  ops.adaptive_max_pool2d_forward(options_, args.inputs[0], args.output, args.saved[0]);
}

void AdaptiveMaxPool2d::backward(Ops& ops, const BackwardArgs& args) const {
  if (args.input_gradients[0])
    ops.adaptive_max_pool2d_backward(options_, args.output_gradient, args.saved[0], args.input_gradients[0]);
}

void AdaptiveMaxPool2d::forward_tolerance(ForwardToleranceArgs& args) const {
  adaptive_max_pool2d_forward_tolerance(args, options_);
}
void AdaptiveMaxPool2d::backward_tolerance(BackwardToleranceArgs& args) const {
  adaptive_max_pool2d_backward_tolerance(args, options_);
}

}  // namespace fovea
