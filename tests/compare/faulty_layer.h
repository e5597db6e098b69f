// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "core/graph/layer.h"

namespace fovea::test {

// A layer with a seeded fault: like `inner`, and after its forward or backward pass the fault is called.
class FaultyLayer final : public Layer {
 public:
  using ForwardFault = std::function<void(const ForwardArgs&)>;
  using BackwardFault = std::function<void(const BackwardArgs&)>;
  FaultyLayer(std::shared_ptr<const Layer> inner, ForwardFault in_forward, BackwardFault in_backward)
      : inner_(std::move(inner)), in_forward_(std::move(in_forward)), in_backward_(std::move(in_backward)) {}

  std::string_view type() const override { return inner_->type(); }
  std::string_view op() const override { return inner_->op(); }
  void describe(FieldVisitor& visitor) const override { inner_->describe(visitor); }
  int input_count() const override { return inner_->input_count(); }
  std::string input_name(int i) const override { return inner_->input_name(i); }
  DType input_dtype(int i) const override { return inner_->input_dtype(i); }
  bool wide_output() const override { return inner_->wide_output(); }
  bool differentiable(int i) const override { return inner_->differentiable(i); }
  std::vector<ParameterSpec> parameters(Shapes inputs) const override { return inner_->parameters(inputs); }
  std::vector<ParameterSpec> state(Shapes inputs) const override { return inner_->state(inputs); }
  std::size_t workspace(Ops& ops, Direction direction, Shapes inputs) const override {
    return inner_->workspace(ops, direction, inputs);
  }
  Shape output_shape(Shapes inputs) const override { return inner_->output_shape(inputs); }
  std::vector<SavedSpec> saved(Shapes inputs) const override { return inner_->saved(inputs); }
  BackwardReads backward_reads() const override { return inner_->backward_reads(); }
  bool can_fuse_relu() const override { return inner_->can_fuse_relu(); }
  bool can_fuse_relu_backward() const override { return inner_->can_fuse_relu_backward(); }
  void forward(Ops& ops, const ForwardArgs& args) const override {
    inner_->forward(ops, args);
    if (in_forward_) in_forward_(args);
  }
  void backward(Ops& ops, const BackwardArgs& args) const override {
    inner_->backward(ops, args);
    if (in_backward_) in_backward_(args);
  }
  void forward_tolerance(ForwardToleranceArgs& args) const override { inner_->forward_tolerance(args); }
  void backward_tolerance(BackwardToleranceArgs& args) const override { inner_->backward_tolerance(args); }

 private:
  std::shared_ptr<const Layer> inner_;
  ForwardFault in_forward_;
  BackwardFault in_backward_;
};

}  // namespace fovea::test
