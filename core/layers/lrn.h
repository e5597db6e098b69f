// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "core/graph/layer.h"

namespace fovea {

// Local response normalisation: core/ops/lrn.h. Saves what it divides by.
class Lrn final : public Layer {
 public:
  explicit Lrn(LrnOptions options) : options_(options) {}
  const LrnOptions& options() const { return options_; }

  std::string_view type() const override { return "lrn"; }
  void describe(FieldVisitor& visitor) const override;
  Shape output_shape(Shapes inputs) const override;
  std::vector<SavedSpec> saved(Shapes inputs) const override {
    return {{.name = "scale", .shape = inputs[0], .like_output = true}};
  }
  BackwardReads backward_reads() const override { return {.inputs = true, .output = true}; }
  ReceptiveWindow window() const override;
  void forward(Ops& ops, const ForwardArgs& args) const override;
  void backward(Ops& ops, const BackwardArgs& args) const override;
  void forward_tolerance(ForwardToleranceArgs& args) const override;
  void backward_tolerance(BackwardToleranceArgs& args) const override;

 private:
  LrnOptions options_;
};

}  // namespace fovea
