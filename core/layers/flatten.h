// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "core/graph/layer.h"

namespace fovea {

// [N, ...] as [N, features]: the same bytes, so no step of a plan.
class Flatten final : public Layer {
 public:
  std::string_view type() const override { return "flatten"; }
  Shape output_shape(Shapes inputs) const override;
  BackwardReads backward_reads() const override { return {}; }
  bool is_view(Phase) const override { return true; }
  void forward(Ops&, const ForwardArgs&) const override {}
  void backward(Ops&, const BackwardArgs&) const override {}
  void forward_tolerance(ForwardToleranceArgs&) const override {}
  void backward_tolerance(BackwardToleranceArgs&) const override {}
};

}  // namespace fovea
