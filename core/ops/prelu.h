// SPDX-License-Identifier: Apache-2.0
//
// ReLU with a trained slope for negative inputs (He et al. 2015), one for each channel or one for all.
//
//   x [N, C, ...], slope a [C] or [1]:   y = x > 0 ? x : a[c] x
//   dx = x > 0 ? dy : a[c] dy            da[c] = sum over n and all positions of (x > 0 ? 0 : x dy)   (a [1]: over c too)
//
// NaN stays NaN.
//
// T (f32, bf16 or f16): x, y, dx, dy.     f32: slope, dslope.
#pragma once
#include "core/ops/fields.h"
#include "core/ops/workspace.h"
#include "core/tensor/tensor.h"

namespace fovea {

struct PreluOptions {
  bool shared = false;    // one slope for all channels
  double initial = 0.25;  // of every slope
};
void fields(FieldVisitor& visitor, PreluOptions& options);

struct PreluGeometry {
  std::int64_t N, C, positions;  // x is [N, C, positions]
  std::int64_t slopes;           // C or 1
};
// Throws InputError: x has no axis of channels, or the slope's shape is neither [C] nor [1].
PreluGeometry prelu_geometry(const Shape& x, const Shape& slope);
Shape prelu_slope_shape(const PreluOptions& options, const Shape& x);

class PreluOps {
 public:
  virtual ~PreluOps() = default;
  virtual void prelu_forward(ConstView x, ConstView slope, View y) = 0;
  virtual void prelu_backward_data(ConstView x, ConstView slope, ConstView dy, View dx) = 0;
  // Scratch bytes of prelu_backward_slope.
  virtual std::size_t prelu_workspace(const Shape& x) = 0;
  virtual void prelu_backward_slope(ConstView x, ConstView dy, View dslope, Workspace workspace) = 0;
};

}  // namespace fovea
