// SPDX-License-Identifier: Apache-2.0
//
// Product of two tensors of one shape, element by element:   y = a * b            da = dy * b, db = dy * a
//
// T (f32, bf16 or f16): a, b, y, dx, dy.
#pragma once
#include "core/tensor/tensor.h"

namespace fovea {

class MultiplyOps {
 public:
  virtual ~MultiplyOps() = default;
  virtual void multiply_forward(ConstView a, ConstView b, View y) = 0;
  // Called once for each input, with the other one: dx = dy * other.
  virtual void multiply_backward(ConstView other, ConstView dy, View dx) = 0;
};

}  // namespace fovea
