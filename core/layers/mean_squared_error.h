// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "core/graph/layer.h"

namespace fovea {

// The mean squared error of predictions, inputs {x [N, D, ...], target of its shape}, output [1]:
// core/ops/mean_squared_error.h. No gradient flows to the target. Saves each sample's loss, "losses" [N].
class MeanSquaredError final : public Layer {
 public:
  std::string_view type() const override { return "mean_squared_error"; }
  int input_count() const override { return 2; }
  std::string input_name(int i) const override { return i == 0 ? "x" : "target"; }
  bool differentiable(int input) const override { return input == 0; }
  bool wide_output() const override { return true; }
  Shape output_shape(Shapes inputs) const override;
  std::vector<SavedSpec> saved(Shapes inputs) const override;
  BackwardReads backward_reads() const override { return {.inputs = true}; }
  void forward(Ops& ops, const ForwardArgs& args) const override;
  void backward(Ops& ops, const BackwardArgs& args) const override;
  void forward_tolerance(ForwardToleranceArgs& args) const override;
  void backward_tolerance(BackwardToleranceArgs& args) const override;
};

}  // namespace fovea
