// SPDX-License-Identifier: Apache-2.0
//
// The smooth or leaky activations, element by element; alpha is the option of leaky_relu and elu.
//
//                y = f(x)                               f'(x), and dx = dy * f'(x)
//   leaky_relu   x > 0 ? x : alpha x                    x > 0 ? 1 : alpha
//   elu          x > 0 ? x : alpha (exp(x) - 1)         x > 0 ? 1 : alpha exp(x)
//   sigmoid      s(x) = 1 / (1 + exp(-x))               s(x) s(-x)                       since 1 - s(x) = s(-x)
//   gelu         x Phi(x)                               Phi(x) + x phi(x)
//   silu         x s(x)                                 s(x) (1 + x s(-x))
//
// Phi(x) = (1 + erf(x / sqrt 2)) / 2 and phi(x) = exp(-x*x/2) / sqrt(2 pi) are the normal distribution and its density:
// gelu is the exact one (Hendrycks and Gimpel 2016), not the tanh approximation. At x = 0 the derivative from the left
// counts, as in PyTorch. NaN stays NaN; gelu and silu of -infinity are -infinity * 0 = NaN, as in PyTorch. relu and
// tanh are operations of their own: their backward reads y, not x.
//
// T (f32, bf16 or f16): x, y, dx, dy.
#pragma once
#include <array>
#include <string_view>
#include <utility>

#include "core/ops/fields.h"
#include "core/tensor/tensor.h"

namespace fovea {

enum class ActivationKind { leaky_relu, elu, sigmoid, gelu, silu };
inline constexpr std::array<std::pair<ActivationKind, std::string_view>, 5> activation_names{
    {{ActivationKind::leaky_relu, "leaky_relu"},
     {ActivationKind::elu, "elu"},
     {ActivationKind::sigmoid, "sigmoid"},
     {ActivationKind::gelu, "gelu"},
     {ActivationKind::silu, "silu"}}};

struct ActivationOptions {
  ActivationKind kind = ActivationKind::leaky_relu;
  float alpha = 0.01f;
};

// The options of the layers leaky_relu and elu; their alpha is this, rounded to float.
struct LeakyReluOptions {
  double slope = 0.01;
};
struct EluOptions {
  double alpha = 1;
};
void fields(FieldVisitor& visitor, LeakyReluOptions& options);
void fields(FieldVisitor& visitor, EluOptions& options);

class ActivationOps {
 public:
  virtual ~ActivationOps() = default;
  virtual void activation_forward(const ActivationOptions& options, ConstView x, View y) = 0;
  virtual void activation_backward(const ActivationOptions& options, ConstView x, ConstView dy, View dx) = 0;
};

}  // namespace fovea
