// SPDX-License-Identifier: Apache-2.0
#include "core/layers/softmax_cross_entropy.h"

#include "core/tolerance/softmax_cross_entropy.h"

namespace fovea {
namespace {

ConstView class_weights_of(std::span<const View> state) { return state.empty() ? ConstView{} : ConstView(state[0]); }

}  // namespace

void SoftmaxCrossEntropy::describe(FieldVisitor& visitor) const {
  SoftmaxCrossEntropyOptions options = options_;
  fields(visitor, options);
}

Shape SoftmaxCrossEntropy::output_shape(Shapes inputs) const {
  softmax_cross_entropy_geometry(options_, inputs[0], inputs[1]);
  return {1};
}

std::vector<ParameterSpec> SoftmaxCrossEntropy::state(Shapes inputs) const {
  if (options_.class_weights.empty()) return {};
  return {{.name = "class_weights",
           .shape = {inputs[0][1]},
           .initializer = Initializer::constant,
           .constant = options_.class_weights}};
}

std::vector<SavedSpec> SoftmaxCrossEntropy::saved(Shapes inputs) const {
  return {
      {"probabilities", inputs[0], DType::f32}, {"losses", inputs[1], DType::f32}, {"total_weight", {1}, DType::f32}};
}

void SoftmaxCrossEntropy::forward(Ops& ops, const ForwardArgs& args) const {
  ops.softmax_cross_entropy_forward(options_, args.inputs[0], args.inputs[1], class_weights_of(args.state),
                                    args.saved[0], args.saved[1], args.saved[2], args.output);
}

void SoftmaxCrossEntropy::backward(Ops& ops, const BackwardArgs& args) const {
  if (args.input_gradients[0])
    ops.softmax_cross_entropy_backward(options_, args.saved[0], args.inputs[1], class_weights_of(args.state),
                                       args.saved[2], args.output_gradient, args.input_gradients[0]);
}

void SoftmaxCrossEntropy::forward_tolerance(ForwardToleranceArgs& args) const {
  softmax_cross_entropy_forward_tolerance(args, options_);
}
void SoftmaxCrossEntropy::backward_tolerance(BackwardToleranceArgs& args) const {
  softmax_cross_entropy_backward_tolerance(args, options_);
}

}  // namespace fovea
