// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "core/graph/layer.h"

namespace fovea {

// Fully connected layer with "weight" [O, I] and "bias" [O]: core/ops/linear.h. Reads any [N, ...] as [N, I].
class Linear final : public Layer {
 public:
  explicit Linear(LinearOptions options) : options_(options) {}
  const LinearOptions& options() const { return options_; }

  std::string_view type() const override { return "linear"; }
  void describe(FieldVisitor& visitor) const override;
  Shape output_shape(Shapes inputs) const override { return linear_output_shape(options_, inputs[0]); }
  std::vector<ParameterSpec> parameters(Shapes inputs) const override;
  bool can_fuse_relu() const override { return true; }
  bool can_fuse_relu_backward() const override { return true; }
  BackwardReads backward_reads() const override { return {.inputs = true}; }
  std::int64_t macs(Shapes inputs) const override;
  ReceptiveWindow window() const override { return {.whole_input = true}; }
  std::size_t workspace(Ops& ops, Direction direction, Shapes inputs) const override;
  std::size_t workspace_in(Ops& ops, Direction direction, DType dtype, Shapes inputs,
                           const StepLayouts& layouts) const override;
  void forward(Ops& ops, const ForwardArgs& args) const override;
  void backward(Ops& ops, const BackwardArgs& args) const override;
  void forward_tolerance(ForwardToleranceArgs& args) const override;
  void backward_tolerance(BackwardToleranceArgs& args) const override;

 private:
  LinearOptions options_;
};

}  // namespace fovea
