// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "core/graph/layer.h"

namespace fovea {

// Dropout: core/ops/dropout.h. In inference it is not there at all: its output is its input.
class Dropout final : public Layer {
 public:
  explicit Dropout(DropoutOptions options = {}) : options_(options) {}
  const DropoutOptions& options() const { return options_; }

  std::string_view type() const override { return "dropout"; }
  void describe(FieldVisitor& visitor) const override;
  Shape output_shape(Shapes inputs) const override;
  BackwardReads backward_reads() const override { return {}; }
  bool in_place() const override { return true; }
  bool is_view(Phase phase) const override { return phase == Phase::inference; }
  void forward(Ops& ops, const ForwardArgs& args) const override;
  void backward(Ops& ops, const BackwardArgs& args) const override;
  void forward_tolerance(ForwardToleranceArgs& args) const override;
  void backward_tolerance(BackwardToleranceArgs& args) const override;

 private:
  DropoutOptions options_;
};

}  // namespace fovea
