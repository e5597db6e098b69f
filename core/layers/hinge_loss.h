// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "core/graph/layer.h"

namespace fovea {

// The loss of a linear SVM, inputs {scores [N, C], labels [N] i32}, output [1]: core/ops/hinge_loss.h. Saves each
// sample's loss, "losses" [N].
class HingeLoss final : public Layer {
 public:
  explicit HingeLoss(HingeLossOptions options = {}) : options_(options) {}
  const HingeLossOptions& options() const { return options_; }

  std::string_view type() const override { return "hinge_loss"; }
  void describe(FieldVisitor& visitor) const override;
  int input_count() const override { return 2; }
  std::string input_name(int i) const override { return i == 0 ? "scores" : "labels"; }
  DType input_dtype(int i) const override { return i == 0 ? DType::f32 : DType::i32; }
  bool wide_output() const override { return true; }
  Shape output_shape(Shapes inputs) const override;
  std::vector<SavedSpec> saved(Shapes inputs) const override;
  BackwardReads backward_reads() const override { return {.inputs = true}; }
  void forward(Ops& ops, const ForwardArgs& args) const override;
  void backward(Ops& ops, const BackwardArgs& args) const override;
  void forward_tolerance(ForwardToleranceArgs& args) const override;
  void backward_tolerance(BackwardToleranceArgs& args) const override;

 private:
  HingeLossOptions options_;
};

}  // namespace fovea
