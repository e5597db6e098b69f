// SPDX-License-Identifier: Apache-2.0
#include "core/layers/max_pool2d.h"

#include "core/tolerance/max_pool2d.h"

namespace fovea {

void MaxPool2d::describe(FieldVisitor& visitor) const {
  MaxPool2dOptions options = options_;
  fields(visitor, options);
}

std::vector<SavedSpec> MaxPool2d::saved(Shapes inputs) const {
  return {{"index", output_shape(inputs), max_pool2d_index_dtype(options_), true}};
}

void MaxPool2d::forward(Ops& ops, const ForwardArgs& args) const {
  ops.max_pool2d_forward(options_, args.inputs[0], args.output, args.saved[0]);
}

void MaxPool2d::backward(Ops& ops, const BackwardArgs& args) const {
  if (!args.input_gradients[0]) return;
  if (args.relu) {
    ops.max_pool2d_backward_relu(options_, args.inputs[0], args.output_gradient, args.saved[0],
                                 args.input_gradients[0]);
  } else {
    ops.max_pool2d_backward(options_, args.output_gradient, args.saved[0], args.input_gradients[0]);
  }
}

void MaxPool2d::forward_tolerance(ForwardToleranceArgs& args) const { max_pool2d_forward_tolerance(args, options_); }
void MaxPool2d::backward_tolerance(BackwardToleranceArgs& args) const { max_pool2d_backward_tolerance(args, options_); }

}  // namespace fovea
