// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "core/graph/layer.h"

namespace fovea {

// Softmax over the classes of [N, C]: core/ops/softmax.h.
class Softmax final : public Layer {
 public:
  std::string_view type() const override { return "softmax"; }
  Shape output_shape(Shapes inputs) const override;
  BackwardReads backward_reads() const override { return {.output = true}; }
  ReceptiveWindow window() const override { return {.whole_input = true}; }
  void forward(Ops& ops, const ForwardArgs& args) const override;
  void backward(Ops& ops, const BackwardArgs& args) const override;
  void forward_tolerance(ForwardToleranceArgs& args) const override;
  void backward_tolerance(BackwardToleranceArgs& args) const override;
};

}  // namespace fovea
