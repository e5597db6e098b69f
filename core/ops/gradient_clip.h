// SPDX-License-Identifier: Apache-2.0
//
// Gradients made smaller, in place, on a flat arena of f32:
//
//   gradient_scale:   g = factor * g
//   gradient_clamp:   g = g < -limit ? -limit : g > limit ? limit : g          NaN stays NaN
//
// `factor` and `limit` are rounded to float once.
#pragma once
#include "core/tensor/tensor.h"

namespace fovea {

class GradientClipOps {
 public:
  virtual ~GradientClipOps() = default;
  virtual void gradient_scale(double factor, View g) = 0;
  virtual void gradient_clamp(double limit, View g) = 0;
};

}  // namespace fovea
