// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "core/graph/layer.h"

namespace fovea {

// Average pooling: core/ops/avg_pool2d.h.
class AvgPool2d : public Layer {
 public:
  explicit AvgPool2d(AvgPool2dOptions options) : options_(options) {}
  const AvgPool2dOptions& options() const { return options_; }

  std::string_view type() const override { return "avg_pool2d"; }
  void describe(FieldVisitor& visitor) const override;
  Shape output_shape(Shapes inputs) const override { return avg_pool2d_output_shape(options_, inputs[0]); }
  bool can_fuse_relu_backward() const override { return true; }
  BackwardReads backward_reads() const override { return {}; }
  ReceptiveWindow window() const override { return {.extent = options_.kernel, .stride = options_.stride}; }
  void forward(Ops& ops, const ForwardArgs& args) const override;
  void backward(Ops& ops, const BackwardArgs& args) const override;
  void forward_tolerance(ForwardToleranceArgs& args) const override;
  void backward_tolerance(BackwardToleranceArgs& args) const override;

 private:
  AvgPool2dOptions options_;
};

}  // namespace fovea
