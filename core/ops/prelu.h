// SPDX-License-Identifier: Apache-2.0
//
// ReLU with a trained slope for negative inputs (He et al. 2015), one for each channel or one for all.
//
//   x [N, C, ...], slope a [C] or [1]:   y = x > 0 ? x : a[c] x
//   dx = x > 0 ? dy : a[c] dy            da[c] = sum over n and all positions of (x > 0 ? 0 : x dy)   (a [1]: over c too)
//
// NaN stays NaN.
#pragma once
#include "core/tensor/tensor.h"

namespace fovea {

class PreluOps {
 public:
  virtual ~PreluOps() = default;
  virtual void prelu_forward(ConstView x, ConstView slope, View y) = 0;
  virtual void prelu_backward_data(ConstView x, ConstView slope, ConstView dy, View dx) = 0;
  virtual void prelu_backward_slope(ConstView x, ConstView dy, View dslope) = 0;
};

}  // namespace fovea
