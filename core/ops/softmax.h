// SPDX-License-Identifier: Apache-2.0
//
// Softmax over each row of x [N, C]:
//
//   m = max over j of x[n,j]      y[n,c] = exp(x[n,c] - m) / sum over j of exp(x[n,j] - m)
//   dx[n,c] = y[n,c] * (dy[n,c] - sum over j of dy[n,j] * y[n,j])
//
// T (f32, bf16 or f16): x, y, dx, dy.
#pragma once
#include "core/tensor/tensor.h"

namespace fovea {

class SoftmaxOps {
 public:
  virtual ~SoftmaxOps() = default;
  virtual void softmax_forward(ConstView x, View y) = 0;
  virtual void softmax_backward(ConstView y, ConstView dy, View dx) = 0;
};

}  // namespace fovea
