// SPDX-License-Identifier: Apache-2.0
//
// Sum of two tensors of one shape:   y = a + b            da = dy, db = dy
// The executor also uses it to add up gradients where a value feeds several layers; `y` may be `a` or `b` itself.
//
// T (f32, bf16 or f16): a, b, y, dx, dy.
#pragma once
#include "core/support/error.h"
#include "core/tensor/tensor.h"

namespace fovea {

class AddOps {
 public:
  virtual ~AddOps() = default;
  virtual void add_forward(ConstView a, ConstView b, View y) = 0;
  // y = relu(a + b); where LayoutOps::fuses_relu("add").
  virtual void add_forward_relu(ConstView /*a*/, ConstView /*b*/, View /*y*/) {
    throw Error("add_forward_relu: this engine does not fuse");
  }
  // Called once for each input: dx = dy.
  virtual void add_backward(ConstView dy, View dx) = 0;
};

}  // namespace fovea
