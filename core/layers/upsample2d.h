// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "core/graph/layer.h"

namespace fovea {

// Another image size, nearest or bilinear: core/ops/upsample2d.h.
class Upsample2d final : public Layer {
 public:
  explicit Upsample2d(Upsample2dOptions options) : options_(options) {}
  const Upsample2dOptions& options() const { return options_; }

  std::string_view type() const override { return "upsample2d"; }
  void describe(FieldVisitor& visitor) const override;
  Shape output_shape(Shapes inputs) const override { return upsample2d_output_shape(options_, inputs[0]); }
  BackwardReads backward_reads() const override { return {}; }
  // Neighbouring outputs look less than one input apart, for which a stride has no number: receptive fields behind are
  // upper limits.
  ReceptiveWindow window() const override {
    const bool by_scale = options_.size == Size2{0, 0};
    return {.extent = options_.mode == UpsampleMode::nearest ? 1 : 2,
            .magnification = by_scale ? options_.scale : Size2(1)};
  }
  void forward(Ops& ops, const ForwardArgs& args) const override;
  void backward(Ops& ops, const BackwardArgs& args) const override;
  void forward_tolerance(ForwardToleranceArgs& args) const override;
  void backward_tolerance(BackwardToleranceArgs& args) const override;

 private:
  Upsample2dOptions options_;
};

}  // namespace fovea
