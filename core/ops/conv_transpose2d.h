// SPDX-License-Identifier: Apache-2.0
//
// Transposed convolution: each input pixel puts its multiple of a filter into the output, `stride` apart; what overlaps
// adds up. PyTorch's conventions. It is conv2d from y to x (core/ops/conv2d.h), run backwards:
//
//   y[n,k,p,q] = bias[k] + sum over c,r,s of x[n,c,h,w] * w[c,k,r,s]    for the h,w with p = h*stride.h - pad.top
//                                                                       + r*dilation.h, q likewise
//   x  [N, C, H, W]     w  [C, K/groups, R, S]
//   y  [N, K, P, Q]     P = (H-1)*stride.h - pad.top - pad.bottom + dilation.h*(R-1) + output_padding.h + 1, Q likewise
//
//   y = conv2d_backward_data(x, w)     dx = conv2d_forward(dy, w)     dw = conv2d_backward_filter(dy, x)
//
// A convolution with a stride gives the same extent for several inputs; output_padding says which of them comes back.
// It is less than the stride: PyTorch also takes more where the dilation is larger.
//
// T (f32, bf16 or f16): x, w, y, dx, dy.     f32: bias, dw.
#pragma once
#include "core/ops/conv2d.h"

namespace fovea {

struct ConvTranspose2dOptions {
  std::int64_t out_channels = 0;
  Size2 kernel = 1;
  Size2 stride = 1;
  Padding2 padding = 0;
  Size2 output_padding = 0;
  Size2 dilation = 1;
  std::int64_t groups = 1;
  bool bias = true;
};
void fields(FieldVisitor& visitor, ConvTranspose2dOptions& options);

// Throws InputError: not 4-D, nothing left of the output, channels not divisible by groups, a number out of its range.
Shape conv_transpose2d_output_shape(const ConvTranspose2dOptions& options, const Shape& x);
// The convolution from y to x.
Conv2dOptions conv_transpose2d_convolution(const ConvTranspose2dOptions& options, const Shape& x);

}  // namespace fovea
