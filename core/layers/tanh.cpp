// SPDX-License-Identifier: Apache-2.0
#include "core/layers/tanh.h"

#include "core/tolerance/tanh.h"

namespace fovea {

void Tanh::forward(Ops& ops, const ForwardArgs& args) const { ops.tanh_forward(args.inputs[0], args.output); }

void Tanh::backward(Ops& ops, const BackwardArgs& args) const {
  if (args.input_gradients[0]) ops.tanh_backward(args.output, args.output_gradient, args.input_gradients[0]);
}

void Tanh::forward_tolerance(ForwardToleranceArgs& args) const { tanh_forward_tolerance(args); }
void Tanh::backward_tolerance(BackwardToleranceArgs& args) const { tanh_backward_tolerance(args); }

}  // namespace fovea
