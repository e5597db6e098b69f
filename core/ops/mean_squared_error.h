// SPDX-License-Identifier: Apache-2.0
//
// Mean squared error of x [N, D, ...] against targets of the same shape, M elements for each sample.
//
//   losses[n] = 1/M * sum over the sample of (x - target)^2      loss = 1/N * sum of losses      a tensor of shape [1]
//   dx = dloss * 2 / (N M) * (x - target)                        targets get no gradient
//
// T (f32, bf16 or f16): x, target, dx.     f32: losses, loss, dloss.
#pragma once
#include "core/tensor/tensor.h"

namespace fovea {

class MeanSquaredErrorOps {
 public:
  virtual ~MeanSquaredErrorOps() = default;
  virtual void mean_squared_error_forward(ConstView x, ConstView target, View losses, View loss) = 0;
  virtual void mean_squared_error_backward(ConstView x, ConstView target, ConstView dloss, View dx) = 0;
};

}  // namespace fovea
