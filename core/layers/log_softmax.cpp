// SPDX-License-Identifier: Apache-2.0
#include "core/layers/log_softmax.h"

#include "core/support/error.h"
#include "core/tolerance/log_softmax.h"

namespace fovea {

Shape LogSoftmax::output_shape(Shapes inputs) const {
  require(inputs[0].rank() == 2 && inputs[0][1] >= 1,
          [&] { return "expected an input [N, classes], got " + inputs[0].to_string(); });
  return inputs[0];
}

void LogSoftmax::forward(Ops& ops, const ForwardArgs& args) const {
  ops.log_softmax_forward(args.inputs[0], args.output);
}

void LogSoftmax::backward(Ops& ops, const BackwardArgs& args) const {
  if (args.input_gradients[0]) ops.log_softmax_backward(args.output, args.output_gradient, args.input_gradients[0]);
}

void LogSoftmax::forward_tolerance(ForwardToleranceArgs& args) const { log_softmax_forward_tolerance(args); }
void LogSoftmax::backward_tolerance(BackwardToleranceArgs& args) const { log_softmax_backward_tolerance(args); }

}  // namespace fovea
