// SPDX-License-Identifier: Apache-2.0
#include "core/layers/binary_cross_entropy.h"

#include <fmt/core.h>

#include "core/support/error.h"
#include "core/tolerance/binary_cross_entropy.h"

namespace fovea {

Shape BinaryCrossEntropy::output_shape(Shapes inputs) const {
  require(inputs[0].rank() >= 2 && inputs[0].without_batch().elements() >= 1 && inputs[1] == inputs[0], [&] {
    return fmt::format("expected x [N, D, ...] and a target of its shape, got {} and {}", inputs[0].to_string(),
                       inputs[1].to_string());
  });
  return {1};
}

std::vector<SavedSpec> BinaryCrossEntropy::saved(Shapes inputs) const {
  return {{"losses", Shape{inputs[0][0]}, DType::f32}};
}

void BinaryCrossEntropy::forward(Ops& ops, const ForwardArgs& args) const {
  ops.binary_cross_entropy_forward(args.inputs[0], args.inputs[1], args.saved[0], args.output);
}

void BinaryCrossEntropy::backward(Ops& ops, const BackwardArgs& args) const {
  if (args.input_gradients[0])
    ops.binary_cross_entropy_backward(args.inputs[0], args.inputs[1], args.output_gradient, args.input_gradients[0]);
}

void BinaryCrossEntropy::forward_tolerance(ForwardToleranceArgs& args) const {
  binary_cross_entropy_forward_tolerance(args);
}
void BinaryCrossEntropy::backward_tolerance(BackwardToleranceArgs& args) const {
  binary_cross_entropy_backward_tolerance(args);
}

}  // namespace fovea
