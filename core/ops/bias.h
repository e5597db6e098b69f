// SPDX-License-Identifier: Apache-2.0
//
// Bias along axis 1 of y: [N, K] (dense layers) or [N, K, P, Q] (convolutions).
//
//   forward   y[n,k,...] += bias[k]
//   gradient  dbias[k] = sum over n and all positions of dy[n,k,...]
//
// T (f32, bf16 or f16): y, dy.     f32: bias, dbias.
#pragma once
#include "core/ops/workspace.h"
#include "core/tensor/tensor.h"

namespace fovea {

class BiasOps {
 public:
  virtual ~BiasOps() = default;
  virtual void bias_add(ConstView bias, View y) = 0;
  // Bytes of scratch that bias_gradient wants for a dy of this shape that lies so.
  virtual std::size_t bias_gradient_workspace(const Shape& /*dy*/, Layout) { return 0; }
  virtual void bias_gradient(ConstView dy, View dbias, Workspace workspace) = 0;
};

}  // namespace fovea
