// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "core/graph/layer.h"

namespace fovea {

// Product of two inputs of one shape: core/ops/multiply.h.
class Multiply final : public Layer {
 public:
  std::string_view type() const override { return "multiply"; }
  int input_count() const override { return 2; }
  Shape output_shape(Shapes inputs) const override;
  BackwardReads backward_reads() const override { return {.inputs = true}; }
  void forward(Ops& ops, const ForwardArgs& args) const override;
  void backward(Ops& ops, const BackwardArgs& args) const override;
  void forward_tolerance(ForwardToleranceArgs& args) const override;
  void backward_tolerance(BackwardToleranceArgs& args) const override;
};

}  // namespace fovea
