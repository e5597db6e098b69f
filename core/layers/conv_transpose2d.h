// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "core/graph/layer.h"
#include "core/ops/conv_transpose2d.h"

namespace fovea {

// Transposed convolution with its filters ("weight" [C, K/groups, R, S]) and "bias" [K]: core/ops/conv_transpose2d.h.
class ConvTranspose2d final : public Layer {
 public:
  explicit ConvTranspose2d(ConvTranspose2dOptions options) : options_(options) {}
  const ConvTranspose2dOptions& options() const { return options_; }

  std::string_view type() const override { return "conv_transpose2d"; }
  // Whoever provides conv2d provides its three passes in either direction.
  std::string_view op() const override { return "conv2d"; }
  void describe(FieldVisitor& visitor) const override;
  Shape output_shape(Shapes inputs) const override { return conv_transpose2d_output_shape(options_, inputs[0]); }
  std::vector<ParameterSpec> parameters(Shapes inputs) const override;
  BackwardReads backward_reads() const override { return {.inputs = true}; }
  std::int64_t macs(Shapes inputs) const override;
  ReceptiveWindow window() const override;
  std::size_t workspace(Ops& ops, Direction direction, Shapes inputs) const override;
  std::size_t workspace_in(Ops& ops, Direction direction, DType dtype, Shapes inputs,
                           const StepLayouts& layouts) const override;
  void forward(Ops& ops, const ForwardArgs& args) const override;
  void backward(Ops& ops, const BackwardArgs& args) const override;
  void forward_tolerance(ForwardToleranceArgs& args) const override;
  void backward_tolerance(BackwardToleranceArgs& args) const override;

 private:
  ConvTranspose2dOptions options_;
};

}  // namespace fovea
