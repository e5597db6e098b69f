// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "core/graph/layer.h"

namespace fovea {

// A layer over sequences [N, C, L], made of one over images: a sequence is an image [N, C, 1, L] of one row. Every
// tensor of three axes is seen with a fourth, of extent 1, before the last one; others (a bias) stay as they are.
class SequenceLayer : public Layer {
 public:
  std::string_view op() const override { return image_->op(); }
  Shape output_shape(Shapes inputs) const override;
  std::vector<ParameterSpec> parameters(Shapes inputs) const override;
  std::vector<SavedSpec> saved(Shapes inputs) const override;
  bool can_fuse_relu() const override { return image_->can_fuse_relu(); }
  bool can_fuse_relu_backward() const override { return image_->can_fuse_relu_backward(); }
  BackwardReads backward_reads() const override { return image_->backward_reads(); }
  std::int64_t macs(Shapes inputs) const override;
  ReceptiveWindow window() const override { return image_->window(); }
  std::size_t workspace(Ops& ops, Direction direction, Shapes inputs) const override;
  std::size_t workspace_in(Ops& ops, Direction direction, DType dtype, Shapes inputs,
                           const StepLayouts& layouts) const override;
  void forward(Ops& ops, const ForwardArgs& args) const override;
  void backward(Ops& ops, const BackwardArgs& args) const override;
  void forward_tolerance(ForwardToleranceArgs& args) const override;
  void backward_tolerance(BackwardToleranceArgs& args) const override;

 protected:
  // A layer of one input that keeps no state.
  explicit SequenceLayer(std::shared_ptr<const Layer> image) : image_(std::move(image)) {}

 private:
  std::shared_ptr<const Layer> image_;
};

}  // namespace fovea
