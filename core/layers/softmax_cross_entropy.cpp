// SPDX-License-Identifier: Apache-2.0
#include "core/layers/softmax_cross_entropy.h"

#include "core/support/error.h"
#include "core/tolerance/softmax_cross_entropy.h"

namespace fovea {

Shape SoftmaxCrossEntropy::output_shape(Shapes inputs) const {
  require(inputs[0].rank() == 2 && inputs[0][1] >= 1 && inputs[1] == Shape{inputs[0][0]}, [&] {
    return "expected logits [N, classes] and labels [N], got " + inputs[0].to_string() + " and " +
           inputs[1].to_string();
  });
  return {1};
}

std::vector<SavedSpec> SoftmaxCrossEntropy::saved(Shapes inputs) const {
  return {{"probabilities", inputs[0], DType::f32}, {"losses", Shape{inputs[0][0]}, DType::f32}};
}

void SoftmaxCrossEntropy::forward(Ops& ops, const ForwardArgs& args) const {
  ops.softmax_cross_entropy_forward(args.inputs[0], args.inputs[1], args.saved[0], args.saved[1], args.output);
}

void SoftmaxCrossEntropy::backward(Ops& ops, const BackwardArgs& args) const {
  if (args.input_gradients[0])
    ops.softmax_cross_entropy_backward(args.saved[0], args.inputs[1], args.output_gradient, args.input_gradients[0]);
}

void SoftmaxCrossEntropy::forward_tolerance(ForwardToleranceArgs& args) const {
  softmax_cross_entropy_forward_tolerance(args);
}
void SoftmaxCrossEntropy::backward_tolerance(BackwardToleranceArgs& args) const {
  softmax_cross_entropy_backward_tolerance(args);
}

}  // namespace fovea
