// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "core/graph/layer.h"

namespace fovea {

// The activations of core/ops/activation.h: what the types below share.
class Activation : public Layer {
 public:
  const ActivationOptions& options() const { return options_; }

  std::string_view type() const override;
  std::string_view op() const override { return "activation"; }
  Shape output_shape(Shapes inputs) const override { return inputs[0]; }
  BackwardReads backward_reads() const override { return {.inputs = true}; }
  void forward(Ops& ops, const ForwardArgs& args) const override;
  void backward(Ops& ops, const BackwardArgs& args) const override;
  void forward_tolerance(ForwardToleranceArgs& args) const override;
  void backward_tolerance(BackwardToleranceArgs& args) const override;

 protected:
  explicit Activation(ActivationOptions options) : options_(options) {}

 private:
  ActivationOptions options_;
};

class LeakyRelu final : public Activation {
 public:
  explicit LeakyRelu(LeakyReluOptions options = {})
      : Activation({ActivationKind::leaky_relu, static_cast<float>(options.slope)}), written_(options) {}
  void describe(FieldVisitor& visitor) const override;

 private:
  LeakyReluOptions written_;  // before rounding to float
};

class Elu final : public Activation {
 public:
  explicit Elu(EluOptions options = {})
      : Activation({ActivationKind::elu, static_cast<float>(options.alpha)}), written_(options) {}
  void describe(FieldVisitor& visitor) const override;

 private:
  EluOptions written_;
};

class Sigmoid final : public Activation {
 public:
  Sigmoid() : Activation({ActivationKind::sigmoid}) {}
};

class Gelu final : public Activation {
 public:
  Gelu() : Activation({ActivationKind::gelu}) {}
};

class Silu final : public Activation {
 public:
  Silu() : Activation({ActivationKind::silu}) {}
};

}  // namespace fovea
