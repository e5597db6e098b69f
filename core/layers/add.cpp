// SPDX-License-Identifier: Apache-2.0
#include "core/layers/add.h"

#include "core/support/error.h"
#include "core/tolerance/add.h"

namespace fovea {

Shape Add::output_shape(Shapes inputs) const {
  require(inputs[0] == inputs[1], [&] {
    return "expected two inputs of one shape, got " + inputs[0].to_string() + " and " + inputs[1].to_string();
  });
  return inputs[0];
}

void Add::forward(Ops& ops, const ForwardArgs& args) const {
  args.relu ? ops.add_forward_relu(args.inputs[0], args.inputs[1], args.output)
            : ops.add_forward(args.inputs[0], args.inputs[1], args.output);
}

void Add::backward(Ops& ops, const BackwardArgs& args) const {
  for (const View& gradient : args.input_gradients)  // in place there is nothing to do: dx is dy
    if (gradient && gradient.data != args.output_gradient.data) ops.add_backward(args.output_gradient, gradient);
}

void Add::forward_tolerance(ForwardToleranceArgs& args) const { add_forward_tolerance(args); }
void Add::backward_tolerance(BackwardToleranceArgs& args) const { add_backward_tolerance(args); }

}  // namespace fovea
