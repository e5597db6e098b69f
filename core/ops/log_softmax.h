// SPDX-License-Identifier: Apache-2.0
//
// Logarithm of softmax over each row of x [N, C]:
//
//   m = max over j of x[n,j]      y[n,c] = (x[n,c] - m) - log(sum over j of exp(x[n,j] - m))
//   dx[n,c] = dy[n,c] - exp(y[n,c]) * sum over j of dy[n,j]
//
// A NaN in a row makes the whole row NaN.
//
// T (f32, bf16 or f16): x, y, dx, dy.
#pragma once
#include "core/tensor/tensor.h"

namespace fovea {

class LogSoftmaxOps {
 public:
  virtual ~LogSoftmaxOps() = default;
  virtual void log_softmax_forward(ConstView x, View y) = 0;
  virtual void log_softmax_backward(ConstView y, ConstView dy, View dx) = 0;
};

}  // namespace fovea
