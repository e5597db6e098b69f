// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "core/graph/layer.h"

namespace fovea {

// Convolution with its filters ("weight" [K, C/groups, R, S]) and "bias" [K]: core/ops/conv2d.h.
class Conv2d final : public Layer {
 public:
  explicit Conv2d(Conv2dOptions options) : options_(options) {}
  const Conv2dOptions& options() const { return options_; }

  std::string_view type() const override { return "conv2d"; }
  void describe(FieldVisitor& visitor) const override;
  Shape output_shape(Shapes inputs) const override;
  std::vector<ParameterSpec> parameters(Shapes inputs) const override;
  bool can_fuse_relu() const override { return true; }
  bool can_fuse_relu_backward() const override { return true; }
  BackwardReads backward_reads() const override { return {.inputs = true}; }
  std::int64_t macs(Shapes inputs) const override;
  ReceptiveWindow window() const override;
  std::size_t workspace(Ops& ops, Direction direction, Shapes inputs) const override;
  StepLayouts layouts(Ops& ops, Phase phase, DType dtype, Shapes inputs, std::span<const Layout> given) const override;
  std::size_t workspace_in(Ops& ops, Direction direction, DType dtype, Shapes inputs,
                           const StepLayouts& layouts) const override;
  void forward(Ops& ops, const ForwardArgs& args) const override;
  void backward(Ops& ops, const BackwardArgs& args) const override;
  void forward_tolerance(ForwardToleranceArgs& args) const override;
  void backward_tolerance(BackwardToleranceArgs& args) const override;

 private:
  Conv2dOptions options_;
};

}  // namespace fovea
