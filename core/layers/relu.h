// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "core/graph/layer.h"

namespace fovea {

// Rectified linear unit: core/ops/relu.h.
class Relu final : public Layer {
 public:
  std::string_view type() const override { return "relu"; }
  Shape output_shape(Shapes inputs) const override { return inputs[0]; }
  BackwardReads backward_reads() const override { return {.output = true}; }
  bool in_place() const override { return true; }
  void forward(Ops& ops, const ForwardArgs& args) const override;
  void backward(Ops& ops, const BackwardArgs& args) const override;
  void forward_tolerance(ForwardToleranceArgs& args) const override;
  void backward_tolerance(BackwardToleranceArgs& args) const override;
};

}  // namespace fovea
