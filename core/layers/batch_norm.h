// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "core/graph/layer.h"

namespace fovea {

// Batch normalisation: core/ops/batch_norm.h. In training it saves the batch's statistics; in inference, and where
// `frozen`, the running statistics take their place.
class BatchNorm final : public Layer {
 public:
  explicit BatchNorm(BatchNormOptions options) : options_(options) {}
  const BatchNormOptions& options() const { return options_; }

  std::string_view type() const override { return "batch_norm"; }
  void describe(FieldVisitor& visitor) const override;
  Shape output_shape(Shapes inputs) const override;
  void check(Phase phase, Shapes inputs) const override;
  std::vector<ParameterSpec> parameters(Shapes inputs) const override;
  std::vector<ParameterSpec> state(Shapes inputs) const override;
  std::vector<SavedSpec> saved(Shapes inputs) const override;
  bool can_fuse_relu() const override { return true; }
  BackwardReads backward_reads() const override { return {.inputs = true}; }
  std::size_t workspace(Ops& ops, Direction direction, Shapes inputs) const override;
  std::size_t workspace_in(Ops& ops, Direction direction, DType dtype, Shapes inputs,
                           const StepLayouts& layouts) const override;
  void forward(Ops& ops, const ForwardArgs& args) const override;
  void backward(Ops& ops, const BackwardArgs& args) const override;
  void forward_tolerance(ForwardToleranceArgs& args) const override;
  void backward_tolerance(BackwardToleranceArgs& args) const override;

 private:
  BatchNormOptions options_;
};

}  // namespace fovea
