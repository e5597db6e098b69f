// SPDX-License-Identifier: Apache-2.0
#include "core/layers/softmax.h"

#include "core/support/error.h"
#include "core/tolerance/softmax.h"

namespace fovea {

Shape Softmax::output_shape(Shapes inputs) const {
  require(inputs[0].rank() == 2 && inputs[0][1] >= 1,
          [&] { return "expected an input [N, classes], got " + inputs[0].to_string(); });
  return inputs[0];
}

void Softmax::forward(Ops& ops, const ForwardArgs& args) const { ops.softmax_forward(args.inputs[0], args.output); }

void Softmax::backward(Ops& ops, const BackwardArgs& args) const {
  if (args.input_gradients[0]) ops.softmax_backward(args.output, args.output_gradient, args.input_gradients[0]);
}

void Softmax::forward_tolerance(ForwardToleranceArgs& args) const { softmax_forward_tolerance(args); }
void Softmax::backward_tolerance(BackwardToleranceArgs& args) const { softmax_backward_tolerance(args); }

}  // namespace fovea
