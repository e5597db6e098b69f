// SPDX-License-Identifier: Apache-2.0
//
// The same values in another type:   y = x, each f32, bf16 or f16 (on the reference also f64).
//
// Exact where y's type holds the value, else rounded once, to nearest even (core/tensor/dtype.h). It makes the 16-bit
// copies of f32 weights that conv2d and linear compute with.
#pragma once
#include "core/tensor/tensor.h"

namespace fovea {

class CastOps {
 public:
  virtual ~CastOps() = default;
  virtual void cast(ConstView x, View y) = 0;
};

}  // namespace fovea
