// SPDX-License-Identifier: Apache-2.0
//
// Fully connected layer.
//
//   y[n,o] = bias[o] + sum over i of x[n,i] * w[o,i]
//
//   x [N, I] (any [N, ...] is read as [N, I]), w [O, I], bias [O] or none, y [N, O]
//
// Gradients:  dx[n,i] = sum over o of dy[n,o] * w[o,i]      dw[o,i] = sum over n of dy[n,o] * x[n,i]
//             dbias[o] = sum over n of dy[n,o]              (core/ops/bias.h)
//
// T (f32, bf16 or f16): x, w, y, dx, dy.     f32: bias, dw.
#pragma once
#include "core/ops/fields.h"
#include "core/ops/workspace.h"
#include "core/support/error.h"
#include "core/tensor/tensor.h"

namespace fovea {

struct LinearOptions {
  std::int64_t out_features = 0;
  bool bias = true;
};
void fields(FieldVisitor& visitor, LinearOptions& options);

// Plain data for kernels.
struct LinearGeometry {
  std::int64_t N, I, O;
};
// Throws InputError: x is not [N, ...], no features.
LinearGeometry linear_geometry(const LinearOptions& options, const Shape& x);
Shape linear_output_shape(const LinearOptions& options, const Shape& x);
Shape linear_weight_shape(const LinearOptions& options, const Shape& x);

enum class LinearPass { forward, backward_data, backward_weight };

class LinearOps {
 public:
  virtual ~LinearOps() = default;
  // Bytes of scratch that a pass wants for these shapes in f32.
  virtual std::size_t linear_workspace(LinearPass pass, const LinearOptions& options, const Shape& x) = 0;
  // The same with T = `dtype`.
  virtual std::size_t linear_workspace_in(LinearPass pass, const LinearOptions& options, const Shape& x,
                                          DType /*dtype*/) {
    return linear_workspace(pass, options, x);
  }
  virtual void linear_forward(const LinearOptions& options, ConstView x, ConstView w, ConstView bias, View y,
                              Workspace workspace) = 0;
  // The same with y = relu(y) at the end; where LayoutOps::fuses_relu("linear").
  virtual void linear_forward_relu(const LinearOptions&, ConstView /*x*/, ConstView /*w*/, ConstView /*bias*/,
                                   View /*y*/, Workspace) {
    throw Error("linear_forward_relu: this engine does not fuse");
  }
  virtual void linear_backward_data(const LinearOptions& options, ConstView dy, ConstView w, View dx,
                                    Workspace workspace) = 0;
  // The same with dx = relu_backward(x, dx) at the end: x is a ReLU's output; where
  // LayoutOps::fuses_relu_backward("linear").
  virtual void linear_backward_data_relu(const LinearOptions&, ConstView /*x*/, ConstView /*dy*/, ConstView /*w*/,
                                         View /*dx*/, Workspace) {
    throw Error("linear_backward_data_relu: this engine does not fuse");
  }
  virtual void linear_backward_weight(const LinearOptions& options, ConstView x, ConstView dy, View dw,
                                      Workspace workspace) = 0;
};

}  // namespace fovea
