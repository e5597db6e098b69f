// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "core/graph/layer.h"

namespace fovea {

// The loss of a classifier, inputs {logits [N, C, ...], labels [N, ...] i32}, output [1]:
// core/ops/softmax_cross_entropy.h. Saves "probabilities" as the logits, each position's loss, "losses", as the labels,
// and "total_weight" [1]. Class weights are a state, "class_weights" [C], that no pass changes: so they lie on the
// device.
class SoftmaxCrossEntropy final : public Layer {
 public:
  explicit SoftmaxCrossEntropy(SoftmaxCrossEntropyOptions options = {}) : options_(std::move(options)) {}
  const SoftmaxCrossEntropyOptions& options() const { return options_; }

  std::string_view type() const override { return "softmax_cross_entropy"; }
  void describe(FieldVisitor& visitor) const override;
  int input_count() const override { return 2; }
  std::string input_name(int i) const override { return i == 0 ? "logits" : "labels"; }
  DType input_dtype(int i) const override { return i == 0 ? DType::f32 : DType::i32; }
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
