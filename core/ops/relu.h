// SPDX-License-Identifier: Apache-2.0
//
// Rectified linear unit, element by element.
//
//   y = x > 0 ? x : 0, and NaN stays NaN            dx = y > 0 ? dy : 0 (NaN y passes dy, as PyTorch does)
//
// T (f32, bf16 or f16): x, y, dx, dy.
#pragma once
#include "core/tensor/tensor.h"

namespace fovea {

class ReluOps {
 public:
  virtual ~ReluOps() = default;
  virtual void relu_forward(ConstView x, View y) = 0;
  virtual void relu_backward(ConstView y, ConstView dy, View dx) = 0;
};

}  // namespace fovea
