// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "core/graph/layer.h"

namespace fovea {

// Sum of two inputs of one shape: core/ops/add.h.
class Add final : public Layer {
 public:
  std::string_view type() const override { return "add"; }
  int input_count() const override { return 2; }
  Shape output_shape(Shapes inputs) const override;
  BackwardReads backward_reads() const override { return {}; }
  bool in_place() const override { return true; }
  bool can_fuse_relu() const override { return true; }
  void forward(Ops& ops, const ForwardArgs& args) const override;
  void backward(Ops& ops, const BackwardArgs& args) const override;
  void forward_tolerance(ForwardToleranceArgs& args) const override;
  void backward_tolerance(BackwardToleranceArgs& args) const override;
};

}  // namespace fovea
