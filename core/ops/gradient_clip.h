// SPDX-License-Identifier: Apache-2.0
//
// Gradients made smaller, in place, on a flat arena of f32:
//
//   gradient_scale:     g = factor * g
//   gradient_scale_by:  g = factor[0] * g                                         factor [1] f32
//   gradient_clamp:     g = g < -limit ? -limit : g > limit ? limit : g           NaN stays NaN
//   norm_factor:        q = limit / (sqrt(squares[0] + squares[1] + ...) + 1e-6)  squares [n] f64: sums of squares
//                       factor = q < 1 ? q : 1, of NaN 1                          factor [1] f32
//
// `factor` and `limit` are rounded to float once; `factor[0]` is read when the device is at it. norm_factor computes in
// double, in the order written, and rounds its result once: what torch.nn.utils.clip_grad_norm_ multiplies gradients by,
// found where they lie, so that nobody waits for their norm. But where that is NaN, they stay: a NaN would also reach what
// is 0 for good, between the parameters of an arena, and outlive the step that is skipped.
#pragma once
#include "core/tensor/tensor.h"

namespace fovea {

class GradientClipOps {
 public:
  virtual ~GradientClipOps() = default;
  virtual void gradient_scale(double factor, View g) = 0;
  virtual void gradient_scale_by(ConstView factor, View g) = 0;
  virtual void gradient_clamp(double limit, View g) = 0;
  virtual void norm_factor(double limit, ConstView squares, View factor) = 0;
};

}  // namespace fovea
