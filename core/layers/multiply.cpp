// SPDX-License-Identifier: Apache-2.0
#include "core/layers/multiply.h"

#include "core/support/error.h"
#include "core/tolerance/multiply.h"

namespace fovea {

Shape Multiply::output_shape(Shapes inputs) const {
  require(inputs[0] == inputs[1], [&] {
    return "expected two inputs of one shape, got " + inputs[0].to_string() + " and " + inputs[1].to_string();
  });
  return inputs[0];
}

void Multiply::forward(Ops& ops, const ForwardArgs& args) const {
  ops.multiply_forward(args.inputs[0], args.inputs[1], args.output);
}

void Multiply::backward(Ops& ops, const BackwardArgs& args) const {
  for (const std::size_t i : {0, 1})
    if (args.input_gradients[i])
      ops.multiply_backward(args.inputs[1 - i], args.output_gradient, args.input_gradients[i]);
}

void Multiply::forward_tolerance(ForwardToleranceArgs& args) const { multiply_forward_tolerance(args); }
void Multiply::backward_tolerance(BackwardToleranceArgs& args) const { multiply_backward_tolerance(args); }

}  // namespace fovea
