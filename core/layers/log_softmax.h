// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "core/graph/layer.h"

namespace fovea {

// Logarithms of probabilities from scores [N, C]: core/ops/log_softmax.h.
class LogSoftmax final : public Layer {
 public:
  std::string_view type() const override { return "log_softmax"; }
  Shape output_shape(Shapes inputs) const override;
  BackwardReads backward_reads() const override { return {.output = true}; }
  void forward(Ops& ops, const ForwardArgs& args) const override;
  void backward(Ops& ops, const BackwardArgs& args) const override;
  void forward_tolerance(ForwardToleranceArgs& args) const override;
  void backward_tolerance(BackwardToleranceArgs& args) const override;
};

}  // namespace fovea
