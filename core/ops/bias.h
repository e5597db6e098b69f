// SPDX-License-Identifier: Apache-2.0
//
// Bias along axis 1 of y: [N, K] (dense layers) or [N, K, P, Q] (convolutions).
//
//   forward   y[n,k,...] += bias[k]
//   gradient  dbias[k] = sum over n and all positions of dy[n,k,...]
//
// T (f32, bf16 or f16): y, dy.     f32: bias, dbias.
#pragma once
#include "core/tensor/tensor.h"

namespace fovea {

class BiasOps {
 public:
  virtual ~BiasOps() = default;
  virtual void bias_add(ConstView bias, View y) = 0;
  virtual void bias_gradient(ConstView dy, View dbias) = 0;
};

}  // namespace fovea
