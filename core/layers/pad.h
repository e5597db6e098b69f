// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "core/graph/layer.h"

namespace fovea {

// A frame of one value around [N, C, H, W]: core/ops/pad.h.
class Pad final : public Layer {
 public:
  explicit Pad(PadOptions options) : options_(options) {}
  const PadOptions& options() const { return options_; }

  std::string_view type() const override { return "pad"; }
  void describe(FieldVisitor& visitor) const override;
  Shape output_shape(Shapes inputs) const override;
  BackwardReads backward_reads() const override { return {}; }
  void forward(Ops& ops, const ForwardArgs& args) const override;
  void backward(Ops& ops, const BackwardArgs& args) const override;
  void forward_tolerance(ForwardToleranceArgs& args) const override;
  void backward_tolerance(BackwardToleranceArgs& args) const override;

 private:
  PadOptions options_;
};

}  // namespace fovea
