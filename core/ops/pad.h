// SPDX-License-Identifier: Apache-2.0
//
// A frame of one value around an image, or with negative numbers a frame cut off: what the layers pad and crop do.
//
//   x [N, C, H, W] -> y [N, front + C + back, top + H + bottom, left + W + right]
//   y[n,c,h,w]  = x[n, c - front, h - top, w - left] where that is inside of x, else value
//   dx[n,c,h,w] = dy[n, c + front, h + top, w + left] where that is inside of y, else 0
//
// T (f32, bf16 or f16): x, y, dx, dy.
#pragma once
#include "core/ops/fields.h"
#include "core/tensor/tensor.h"

namespace fovea {

struct PadOptions {
  Padding2 padding = 0;              // may be negative
  std::int64_t front = 0, back = 0;  // channels, likewise
  double value = 0;
};
// The options of the layer pad, whose frame is not negative: padding, channels = [front, back], value.
void fields(FieldVisitor& visitor, PadOptions& options);

// Plain data for kernels: extents of x and y, and where x's first element lies in y.
struct PadGeometry {
  std::int64_t N, C, H, W;
  std::int64_t channels, rows, columns;  // of y
  std::int64_t front, top, left;
};
// Throws InputError: not 4-D, nothing left.
PadGeometry pad_geometry(const PadOptions& options, const Shape& x);
Shape pad_output_shape(const PadOptions& options, const Shape& x);

class PadOps {
 public:
  virtual ~PadOps() = default;
  virtual void pad_forward(const PadOptions& options, ConstView x, View y) = 0;
  virtual void pad_backward(const PadOptions& options, ConstView dy, View dx) = 0;
};

}  // namespace fovea
