// SPDX-License-Identifier: Apache-2.0
//
// Stochastic gradient descent with momentum, on a flat arena of parameters; PyTorch's convention:
//
//   g' = g + weight_decay * w
//   v  = momentum * v + g'                                  (v starts at 0)
//   w -= learning_rate * (nesterov ? g' + momentum * v : v)
//
// w, g, v: f32, the same number of elements. Arithmetic in float, in the order written.
#pragma once
#include "core/tensor/tensor.h"

namespace fovea {

struct SgdOptions {
  float learning_rate = 0.01f;
  float momentum = 0.0f;
  float weight_decay = 0.0f;
  bool nesterov = false;
};

class SgdOps {
 public:
  virtual ~SgdOps() = default;
  virtual void sgd_step(const SgdOptions& options, View w, ConstView g, View v) = 0;
};

}  // namespace fovea
