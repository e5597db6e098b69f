// SPDX-License-Identifier: Apache-2.0
//
// Max pooling.
//
//   y[n,c,p,q] = max over r,s of x[n, c, p*stride.h - pad.top + r, q*stride.w - pad.left + s]   (padding never wins)
//   index[n,c,p,q] = r*S + s of the winner, the first one in row order on a tie; a NaN wins over everything (the first
//   NaN). dtype u8 when R*S <= 256, else u16. With `minimum` the smallest wins.
//
// Gradient, a gather: dx[n,c,h,w] = sum of dy[n,c,p,q] over the windows (p,q), in row order, whose winner is (h,w).
//
// T (f32, bf16 or f16): x, y, dx, dy.
#pragma once
#include "core/ops/pool2d.h"
#include "core/support/error.h"
#include "core/tensor/tensor.h"

namespace fovea {

struct MaxPool2dOptions {
  Size2 kernel = 2;
  Size2 stride = 2;
  Padding2 padding = 0;
  bool ceil_mode = false;
  bool minimum = false;  // the layer min_pool2d: the same with min in place of max
};
void fields(FieldVisitor& visitor, MaxPool2dOptions& options);

Pool2dGeometry max_pool2d_geometry(const MaxPool2dOptions& options, const Shape& x);
Shape max_pool2d_output_shape(const MaxPool2dOptions& options, const Shape& x);
// Throws InputError when the window has more than 65,536 elements.
DType max_pool2d_index_dtype(const MaxPool2dOptions& options);

class MaxPool2dOps {
 public:
  virtual ~MaxPool2dOps() = default;
  virtual void max_pool2d_forward(const MaxPool2dOptions& options, ConstView x, View y, View index) = 0;
  virtual void max_pool2d_backward(const MaxPool2dOptions& options, ConstView dy, ConstView index, View dx) = 0;
  // The same with dx = relu_backward(x, dx) at the end: x is a ReLU's output; where
  // LayoutOps::fuses_relu_backward("max_pool2d").
  virtual void max_pool2d_backward_relu(const MaxPool2dOptions&, ConstView /*x*/, ConstView /*dy*/, ConstView /*index*/,
                                        View /*dx*/) {
    throw Error("max_pool2d_backward_relu: this engine does not fuse");
  }
};

}  // namespace fovea
