// SPDX-License-Identifier: Apache-2.0
#include "core/layers/avg_pool2d.h"

#include "core/tolerance/avg_pool2d.h"

namespace fovea {

void AvgPool2d::describe(FieldVisitor& visitor) const {
  AvgPool2dOptions options = options_;
  fields(visitor, options);
}

void AvgPool2d::forward(Ops& ops, const ForwardArgs& args) const {
  ops.avg_pool2d_forward(options_, args.inputs[0], args.output);
}

void AvgPool2d::backward(Ops& ops, const BackwardArgs& args) const {
  if (!args.input_gradients[0]) return;
  if (args.relu) {
    ops.avg_pool2d_backward_relu(options_, args.inputs[0], args.output_gradient, args.input_gradients[0]);
  } else {
    ops.avg_pool2d_backward(options_, args.output_gradient, args.input_gradients[0]);
  }
}

void AvgPool2d::forward_tolerance(ForwardToleranceArgs& args) const { avg_pool2d_forward_tolerance(args, options_); }
void AvgPool2d::backward_tolerance(BackwardToleranceArgs& args) const { avg_pool2d_backward_tolerance(args, options_); }

}  // namespace fovea
