// SPDX-License-Identifier: Apache-2.0
//
// 2-D convolution (cross-correlation, as every CNN framework and the lecture notes' sliding dot product compute it;
// the filter is not flipped).
//
//   y[n,k,p,q] = bias[k] + sum over c,r,s of x[n,c,h,w] * w[k,c,r,s]        (x is 0 outside the image)
//                with h = p*stride.h - pad.top + r*dilation.h and w = q*stride.w - pad.left + s*dilation.w
//
//   x  [N, C, H, W]      input            K = out_channels, R x S = kernel
//   w  [K, C/groups, R, S]  filters; filter k of group g sees the input channels of group g only
//   y  [N, K, P, Q]      P = (H + pad.top + pad.bottom - dilation.h*(R-1) - 1) / stride.h + 1, Q likewise
//
// Gradients, with dy = dL/dy:
//   dx[n,c,h,w]  = sum over k,r,s of dy[n,k,p,q] * w[k,c,r,s]   for the p,q whose window touches (h,w) at (r,s)
//   dw[k,c,r,s]  = sum over n,p,q of dy[n,k,p,q] * x[n, c, p*stride.h - pad.top + r*dilation.h, ...]
//   dbias[k]     = sum over n,p,q of dy[n,k,p,q]                (core/ops/bias.h)
//
// T (f32, bf16 or f16): x, w, y, dx, dy.     f32: bias, dw.
#pragma once
#include "core/ops/fields.h"
#include "core/ops/workspace.h"
#include "core/support/error.h"
#include "core/tensor/tensor.h"

namespace fovea {

struct Conv2dOptions {
  std::int64_t out_channels = 0;
  Size2 kernel = 1;
  Size2 stride = 1;
  Padding2 padding = 0;
  Size2 dilation = 1;
  std::int64_t groups = 1;
  bool bias = true;
};
void fields(FieldVisitor& visitor, Conv2dOptions& options);

// All extents of one convolution, in the letters of the formula. Plain data: kernels receive it by value.
struct Conv2dGeometry {
  std::int64_t N, C, H, W;  // input
  std::int64_t K, R, S;     // filters
  std::int64_t P, Q;        // output
  std::int64_t stride_h, stride_w, pad_top, pad_left, dilation_h, dilation_w, groups;

  std::int64_t channels_per_group() const { return C / groups; }
  std::int64_t filters_per_group() const { return K / groups; }
};

// The one place of this op's shape arithmetic. Throws InputError: not 4-D, kernel larger than the padded input,
// channels or filters not divisible by groups, a stride, dilation or extent below 1, negative padding.
Conv2dGeometry conv2d_geometry(const Conv2dOptions& options, const Shape& x);
Shape conv2d_output_shape(const Conv2dOptions& options, const Shape& x);
Shape conv2d_filter_shape(const Conv2dOptions& options, const Shape& x);

enum class Conv2dPass { forward, backward_data, backward_filter };

// How the images of a convolution lie; dy like y.
struct Conv2dLayouts {
  Layout x = Layout::nchw, y = Layout::nchw, dx = Layout::nchw;
};

class Conv2dOps {
 public:
  virtual ~Conv2dOps() = default;
  // The layouts in which this engine runs these shapes fastest with T = `dtype`: forward, and when `training` both
  // gradients too. x lies in `given` so far. Filters, bias and their gradients are always plain.
  virtual Conv2dLayouts conv2d_layouts(const Conv2dOptions&, const Shape& /*x*/, DType /*dtype*/, Layout /*given*/,
                                       bool /*training*/) {
    return {};
  }
  // Bytes of scratch that a pass wants for these shapes.
  virtual std::size_t conv2d_workspace(Conv2dPass pass, const Conv2dOptions& options, const Shape& x) = 0;
  // The same with T = `dtype`, in layouts that conv2d_layouts returned.
  virtual std::size_t conv2d_workspace_in(Conv2dPass pass, const Conv2dOptions& options, const Shape& x,
                                          DType /*dtype*/, Conv2dLayouts) {
    return conv2d_workspace(pass, options, x);
  }
  // `bias` is [K] or empty.
  virtual void conv2d_forward(const Conv2dOptions& options, ConstView x, ConstView w, ConstView bias, View y,
                              Workspace workspace) = 0;
  // The same with y = relu(y) at the end; where LayoutOps::fuses_relu("conv2d").
  virtual void conv2d_forward_relu(const Conv2dOptions&, ConstView /*x*/, ConstView /*w*/, ConstView /*bias*/,
                                   View /*y*/, Workspace) {
    throw Error("conv2d_forward_relu: this engine does not fuse");
  }
  virtual void conv2d_backward_data(const Conv2dOptions& options, ConstView dy, ConstView w, View dx,
                                    Workspace workspace) = 0;
  // The same with dx = relu_backward(x, dx) at the end: x is a ReLU's output; where
  // LayoutOps::fuses_relu_backward("conv2d").
  virtual void conv2d_backward_data_relu(const Conv2dOptions&, ConstView /*x*/, ConstView /*dy*/, ConstView /*w*/,
                                         View /*dx*/, Workspace) {
    throw Error("conv2d_backward_data_relu: this engine does not fuse");
  }
  virtual void conv2d_backward_filter(const Conv2dOptions& options, ConstView x, ConstView dy, View dw,
                                      Workspace workspace) = 0;
};

}  // namespace fovea
