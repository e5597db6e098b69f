// SPDX-License-Identifier: Apache-2.0
#include "core/layers/relu.h"

#include "core/tolerance/relu.h"

namespace fovea {

void Relu::forward(Ops& ops, const ForwardArgs& args) const { ops.relu_forward(args.inputs[0], args.output); }

void Relu::backward(Ops& ops, const BackwardArgs& args) const {
  if (args.input_gradients[0]) ops.relu_backward(args.output, args.output_gradient, args.input_gradients[0]);
}

void Relu::forward_tolerance(ForwardToleranceArgs& args) const { relu_forward_tolerance(args); }
void Relu::backward_tolerance(BackwardToleranceArgs& args) const { relu_backward_tolerance(args); }

}  // namespace fovea
