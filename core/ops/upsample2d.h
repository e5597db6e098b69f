// SPDX-License-Identifier: Apache-2.0
//
// Enlarges (or shrinks) an image [N, C, H, W] to P x Q, PyTorch's conventions.
//
//   nearest    y[n,c,p,q] = x[n, c, min(floor(p * H / P), H-1), min(floor(q * W / Q), W-1)], in whole numbers
//   bilinear   the source coordinate of row p is
//                align_corners      p * (H-1) / (P-1)               (0 when P = 1)
//                else (half pixel)  max((p + 1/2) * H / P - 1/2, 0)
//              with h0 = floor, h1 = h0 + 1 and f = coordinate - h0, but f = 0 on the last row; columns likewise with g.
//              A pixel of weight 0 is not read, so that its NaN stays where it is:
//              y = (1-f)(1-g) x[h0,w0] + (1-f) g x[h0,w1] + f (1-g) x[h1,w0] + f g x[h1,w1]
//
// Gradient, a gather: dx[n,c,h,w] = sum over the p,q, in row order, that read (h,w), of dy[n,c,p,q] times its weight.
// Coordinates are exact rationals: f = numerator / denominator in whole numbers, so that no device picks another pixel.
//
// T (f32, bf16 or f16): x, y, dx, dy.
#pragma once
#include "core/ops/fields.h"
#include "core/tensor/tensor.h"

namespace fovea {

enum class UpsampleMode { nearest, bilinear };

struct Upsample2dOptions {
  Size2 scale = 2;   // whole-number factors, or
  Size2 size{0, 0};  // the output's size, smaller ones too; 0 means: by scale
  UpsampleMode mode = UpsampleMode::nearest;
  bool align_corners = false;  // bilinear only
};
void fields(FieldVisitor& visitor, Upsample2dOptions& options);

// Plain data for kernels.
struct Upsample2dGeometry {
  std::int64_t N, C, H, W, P, Q;
  UpsampleMode mode;
  bool align_corners;
};
// Throws InputError: not 4-D, a size below 1, align_corners with nearest.
Upsample2dGeometry upsample2d_geometry(const Upsample2dOptions& options, const Shape& x);
Shape upsample2d_output_shape(const Upsample2dOptions& options, const Shape& x);

class Upsample2dOps {
 public:
  virtual ~Upsample2dOps() = default;
  virtual void upsample2d_forward(const Upsample2dOptions& options, ConstView x, View y) = 0;
  virtual void upsample2d_backward(const Upsample2dOptions& options, ConstView dy, View dx) = 0;
};

}  // namespace fovea
