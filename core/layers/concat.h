// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "core/graph/layer.h"

namespace fovea {

// Any number of inputs side by side along one axis: core/ops/concat.h.
class Concat final : public Layer {
 public:
  explicit Concat(ConcatOptions options = {}) : options_(options) {}
  const ConcatOptions& options() const { return options_; }

  std::string_view type() const override { return "concat"; }
  void describe(FieldVisitor& visitor) const override;
  int input_count() const override { return any_number; }
  Shape output_shape(Shapes inputs) const override { return concat_output_shape(options_, inputs); }
  BackwardReads backward_reads() const override { return {}; }
  void forward(Ops& ops, const ForwardArgs& args) const override;
  void backward(Ops& ops, const BackwardArgs& args) const override;
  void forward_tolerance(ForwardToleranceArgs& args) const override;
  void backward_tolerance(BackwardToleranceArgs& args) const override;

 private:
  ConcatOptions options_;
};

}  // namespace fovea
