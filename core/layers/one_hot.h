// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "core/graph/layer.h"

namespace fovea {

// Labels [N] as target vectors [N, classes]: core/ops/one_hot.h. No gradient.
class OneHot final : public Layer {
 public:
  explicit OneHot(OneHotOptions options) : options_(options) {}
  const OneHotOptions& options() const { return options_; }

  std::string_view type() const override { return "one_hot"; }
  void describe(FieldVisitor& visitor) const override;
  std::string input_name(int) const override { return "labels"; }
  DType input_dtype(int) const override { return DType::i32; }
  Shape output_shape(Shapes inputs) const override;
  BackwardReads backward_reads() const override { return {}; }
  void forward(Ops& ops, const ForwardArgs& args) const override;
  void backward(Ops&, const BackwardArgs&) const override {}
  void forward_tolerance(ForwardToleranceArgs& args) const override;
  void backward_tolerance(BackwardToleranceArgs&) const override {}

 private:
  OneHotOptions options_;
};

}  // namespace fovea
