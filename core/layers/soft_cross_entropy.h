// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "core/graph/layer.h"

namespace fovea {

// The loss of a classifier whose targets are probabilities, inputs {logits [N, C, ...], targets of their shape}, output
// [1]: core/ops/soft_cross_entropy.h. No gradient flows to the targets. Saves "probabilities" as the logits and each
// position's loss, "losses" [N, ...]. Class weights are a state, "class_weights" [C], as softmax_cross_entropy has them.
class SoftCrossEntropy final : public Layer {
 public:
  explicit SoftCrossEntropy(SoftmaxCrossEntropyOptions options = {}) : options_(std::move(options)) {}
  const SoftmaxCrossEntropyOptions& options() const { return options_; }

  std::string_view type() const override { return "soft_cross_entropy"; }
  void describe(FieldVisitor& visitor) const override;
  int input_count() const override { return 2; }
  std::string input_name(int i) const override { return i == 0 ? "logits" : "targets"; }
  bool differentiable(int input) const override { return input == 0; }
  bool wide_output() const override { return true; }
  Shape output_shape(Shapes inputs) const override;
  std::vector<ParameterSpec> state(Shapes inputs) const override;
  std::vector<SavedSpec> saved(Shapes inputs) const override;
  BackwardReads backward_reads() const override { return {.inputs = true}; }
  void forward(Ops& ops, const ForwardArgs& args) const override;
  void backward(Ops& ops, const BackwardArgs& args) const override;
  void forward_tolerance(ForwardToleranceArgs& args) const override;
  void backward_tolerance(BackwardToleranceArgs& args) const override;

 private:
  SoftmaxCrossEntropyOptions options_;
};

}  // namespace fovea
