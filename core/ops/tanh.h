// SPDX-License-Identifier: Apache-2.0
//
// Hyperbolic tangent, element by element:   y = tanh(x)            dx = dy * (1 - y*y)
//
// T (f32, bf16 or f16): x, y, dx, dy.
#pragma once
#include "core/tensor/tensor.h"

namespace fovea {

class TanhOps {
 public:
  virtual ~TanhOps() = default;
  virtual void tanh_forward(ConstView x, View y) = 0;
  virtual void tanh_backward(ConstView y, ConstView dy, View dx) = 0;
};

}  // namespace fovea
