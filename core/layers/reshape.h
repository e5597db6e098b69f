// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "core/graph/layer.h"

namespace fovea {

struct ReshapeOptions {
  std::vector<std::int64_t> shape = {};  // without the batch; one extent may be -1: what is left
};
void fields(FieldVisitor& visitor, ReshapeOptions& options);

// [N, ...] as [N, shape...]: the same bytes, so no step of a plan.
class Reshape final : public Layer {
 public:
  explicit Reshape(ReshapeOptions options) : options_(std::move(options)) {}
  const ReshapeOptions& options() const { return options_; }

  std::string_view type() const override { return "reshape"; }
  void describe(FieldVisitor& visitor) const override;
  Shape output_shape(Shapes inputs) const override;
  BackwardReads backward_reads() const override { return {}; }
  bool is_view(Phase) const override { return true; }
  void forward(Ops&, const ForwardArgs&) const override {}
  void backward(Ops&, const BackwardArgs&) const override {}
  void forward_tolerance(ForwardToleranceArgs&) const override {}
  void backward_tolerance(BackwardToleranceArgs&) const override {}

 private:
  ReshapeOptions options_;
};

}  // namespace fovea
