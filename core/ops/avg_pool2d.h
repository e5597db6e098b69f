// SPDX-License-Identifier: Apache-2.0
//
// Average pooling.
//
//   y[n,c,p,q] = 1/D * sum over r,s of x[n, c, p*stride.h - pad.top + r, q*stride.w - pad.left + s]  (padding adds 0)
//   D = the window's elements that lie in the image, or with count_include_pad in the padded image (never beyond it:
//   what ceil_mode hangs over the edge does not count, as in PyTorch). With `sum` D = 1.
//
// Gradient: dx[n,c,h,w] = sum of dy[n,c,p,q] / D(p,q) over the windows (p,q), in row order, that contain (h,w).
//
// T (f32, bf16 or f16): x, y, dx, dy.
#pragma once
#include "core/ops/pool2d.h"
#include "core/support/error.h"
#include "core/tensor/tensor.h"

namespace fovea {

struct AvgPool2dOptions {
  Size2 kernel = 2;
  Size2 stride = 2;
  Padding2 padding = 0;
  bool ceil_mode = false;
  bool count_include_pad = true;
  bool sum = false;  // the layer sum_pool2d: D = 1
};
void fields(FieldVisitor& visitor, AvgPool2dOptions& options);

Pool2dGeometry avg_pool2d_geometry(const AvgPool2dOptions& options, const Shape& x);
Shape avg_pool2d_output_shape(const AvgPool2dOptions& options, const Shape& x);

class AvgPool2dOps {
 public:
  virtual ~AvgPool2dOps() = default;
  virtual void avg_pool2d_forward(const AvgPool2dOptions& options, ConstView x, View y) = 0;
  // `dx` gives the input's shape.
  virtual void avg_pool2d_backward(const AvgPool2dOptions& options, ConstView dy, View dx) = 0;
  // The same with dx = relu_backward(x, dx) at the end: x is a ReLU's output; where
  // LayoutOps::fuses_relu_backward("avg_pool2d").
  virtual void avg_pool2d_backward_relu(const AvgPool2dOptions&, ConstView /*x*/, ConstView /*dy*/, View /*dx*/) {
    throw Error("avg_pool2d_backward_relu: this engine does not fuse");
  }
};

}  // namespace fovea
