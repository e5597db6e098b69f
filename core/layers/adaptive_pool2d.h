// SPDX-License-Identifier: Apache-2.0
//
// The layers made of core/ops/adaptive_pool2d.h: pooling to a given output size, and to one pixel ("global").
#pragma once
#include "core/graph/layer.h"

namespace fovea {

class AdaptiveAvgPool2d : public Layer {
 public:
  explicit AdaptiveAvgPool2d(AdaptivePool2dOptions options) : options_(options) {}
  const AdaptivePool2dOptions& options() const { return options_; }

  std::string_view type() const override { return "adaptive_avg_pool2d"; }
  std::string_view op() const override { return "adaptive_pool2d"; }
  void describe(FieldVisitor& visitor) const override;
  Shape output_shape(Shapes inputs) const override { return adaptive_pool2d_output_shape(options_, inputs[0]); }
  BackwardReads backward_reads() const override { return {}; }
  // Windows depend on the image; together they cover it.
  ReceptiveWindow window() const override { return {.whole_input = true}; }
  void forward(Ops& ops, const ForwardArgs& args) const override;
  void backward(Ops& ops, const BackwardArgs& args) const override;
  void forward_tolerance(ForwardToleranceArgs& args) const override;
  void backward_tolerance(BackwardToleranceArgs& args) const override;

 private:
  AdaptivePool2dOptions options_;
};

// Saves each window's winner.
class AdaptiveMaxPool2d : public Layer {
 public:
  explicit AdaptiveMaxPool2d(AdaptivePool2dOptions options) : options_(options) {}
  const AdaptivePool2dOptions& options() const { return options_; }

  std::string_view type() const override { return "adaptive_max_pool2d"; }
  std::string_view op() const override { return "adaptive_pool2d"; }
  void describe(FieldVisitor& visitor) const override;
  Shape output_shape(Shapes inputs) const override { return adaptive_pool2d_output_shape(options_, inputs[0]); }
  std::vector<SavedSpec> saved(Shapes inputs) const override {
    return {{.name = "index", .shape = output_shape(inputs), .dtype = DType::i32, .like_output = true}};
  }
  BackwardReads backward_reads() const override { return {}; }
  ReceptiveWindow window() const override { return {.whole_input = true}; }
  void forward(Ops& ops, const ForwardArgs& args) const override;
  void backward(Ops& ops, const BackwardArgs& args) const override;
  void forward_tolerance(ForwardToleranceArgs& args) const override;
  void backward_tolerance(BackwardToleranceArgs& args) const override;

 private:
  AdaptivePool2dOptions options_;
};

// The mean of each channel, [N, C, 1, 1].
class GlobalAvgPool2d final : public AdaptiveAvgPool2d {
 public:
  GlobalAvgPool2d() : AdaptiveAvgPool2d({.output_size = 1}) {}
  std::string_view type() const override { return "global_avg_pool2d"; }
  void describe(FieldVisitor&) const override {}
};

// The largest element of each channel, [N, C, 1, 1].
class GlobalMaxPool2d final : public AdaptiveMaxPool2d {
 public:
  GlobalMaxPool2d() : AdaptiveMaxPool2d({.output_size = 1}) {}
  std::string_view type() const override { return "global_max_pool2d"; }
  void describe(FieldVisitor&) const override {}
};

}  // namespace fovea
