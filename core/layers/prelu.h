// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "core/graph/layer.h"

namespace fovea {

// ReLU with trained slopes for negative inputs: core/ops/prelu.h. The slopes are the parameter "weight".
class Prelu final : public Layer {
 public:
  explicit Prelu(PreluOptions options = {}) : options_(options) {}
  const PreluOptions& options() const { return options_; }

  std::string_view type() const override { return "prelu"; }
  void describe(FieldVisitor& visitor) const override;
  Shape output_shape(Shapes inputs) const override;
  std::vector<ParameterSpec> parameters(Shapes inputs) const override;
  BackwardReads backward_reads() const override { return {.inputs = true}; }
  std::size_t workspace(Ops& ops, Direction direction, Shapes inputs) const override;
  void forward(Ops& ops, const ForwardArgs& args) const override;
  void backward(Ops& ops, const BackwardArgs& args) const override;
  void forward_tolerance(ForwardToleranceArgs& args) const override;
  void backward_tolerance(BackwardToleranceArgs& args) const override;

 private:
  PreluOptions options_;
};

}  // namespace fovea
