// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "core/graph/layer.h"

namespace fovea {

// Max pooling: core/ops/max_pool2d.h. Saves each window's winner.
class MaxPool2d : public Layer {
 public:
  explicit MaxPool2d(MaxPool2dOptions options) : options_(options) {}
  const MaxPool2dOptions& options() const { return options_; }

  std::string_view type() const override { return "max_pool2d"; }
  void describe(FieldVisitor& visitor) const override;
  Shape output_shape(Shapes inputs) const override { return max_pool2d_output_shape(options_, inputs[0]); }
  std::vector<SavedSpec> saved(Shapes inputs) const override;
  bool can_fuse_relu_backward() const override { return true; }
  BackwardReads backward_reads() const override { return {}; }
  ReceptiveWindow window() const override { return {.extent = options_.kernel, .stride = options_.stride}; }
  void forward(Ops& ops, const ForwardArgs& args) const override;
  void backward(Ops& ops, const BackwardArgs& args) const override;
  void forward_tolerance(ForwardToleranceArgs& args) const override;
  void backward_tolerance(BackwardToleranceArgs& args) const override;

 private:
  MaxPool2dOptions options_;
};

}  // namespace fovea
