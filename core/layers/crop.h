// SPDX-License-Identifier: Apache-2.0
//
// The opposite of pad: what lies within `cut` of the edges goes, its gradient is 0.
//
//   x [N, C, H, W] -> y [N, C - front - back, H - top - bottom, W - left - right]
//   y[n,c,h,w] = x[n, c + front, h + top, w + left]         channels = [front, back]
#pragma once
#include "core/graph/layer.h"

namespace fovea {

struct CropOptions {
  Padding2 cut = 0;
  std::int64_t front = 0, back = 0;  // channels
};
void fields(FieldVisitor& visitor, CropOptions& options);

// Made of the operation pad with a negative frame: core/ops/pad.h.
class Crop final : public Layer {
 public:
  explicit Crop(CropOptions options);
  const CropOptions& options() const { return options_; }

  std::string_view type() const override { return "crop"; }
  std::string_view op() const override { return "pad"; }
  void describe(FieldVisitor& visitor) const override;
  Shape output_shape(Shapes inputs) const override;
  BackwardReads backward_reads() const override { return {}; }
  void forward(Ops& ops, const ForwardArgs& args) const override;
  void backward(Ops& ops, const BackwardArgs& args) const override;
  void forward_tolerance(ForwardToleranceArgs& args) const override;
  void backward_tolerance(BackwardToleranceArgs& args) const override;

 private:
  CropOptions options_;
  PadOptions negative_;
};

}  // namespace fovea
