// SPDX-License-Identifier: Apache-2.0
#include "core/layers/soft_cross_entropy.h"

#include "core/tolerance/soft_cross_entropy.h"

namespace fovea {
namespace {

ConstView weights_of(std::span<const View> state) { return state.empty() ? ConstView{} : ConstView(state[0]); }

}  // namespace

void SoftCrossEntropy::describe(FieldVisitor& visitor) const {
  SoftmaxCrossEntropyOptions options = options_;
  fields(visitor, options);
}

Shape SoftCrossEntropy::output_shape(Shapes inputs) const {
  soft_cross_entropy_geometry(options_, inputs[0], inputs[1]);
  return {1};
}

std::vector<ParameterSpec> SoftCrossEntropy::state(Shapes inputs) const {
  if (options_.class_weights.empty()) return {};
  return {{.name = "class_weights",
           .shape = {inputs[0][1]},
           .initializer = Initializer::constant,
           .constant = options_.class_weights}};
}

std::vector<SavedSpec> SoftCrossEntropy::saved(Shapes inputs) const {
  return {{"probabilities", inputs[0], DType::f32},
          {"losses", inputs[0].without_batch().without_batch().with_batch(inputs[0][0]), DType::f32}};
}

void SoftCrossEntropy::forward(Ops& ops, const ForwardArgs& args) const {
  ops.soft_cross_entropy_forward(options_, args.inputs[0], args.inputs[1], weights_of(args.state), args.saved[0],
                                 args.saved[1], args.output);
}

void SoftCrossEntropy::backward(Ops& ops, const BackwardArgs& args) const {
  if (args.input_gradients[0])
    ops.soft_cross_entropy_backward(options_, args.saved[0], args.inputs[1], weights_of(args.state),
                                    args.output_gradient, args.input_gradients[0]);
}

void SoftCrossEntropy::forward_tolerance(ForwardToleranceArgs& args) const {
  soft_cross_entropy_forward_tolerance(args, options_);
}
void SoftCrossEntropy::backward_tolerance(BackwardToleranceArgs& args) const {
  soft_cross_entropy_backward_tolerance(args, options_);
}

}  // namespace fovea
