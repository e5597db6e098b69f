// SPDX-License-Identifier: Apache-2.0
//
// Pooling to a given output size P x Q, whatever the input (torch's AdaptiveAvgPool2d and AdaptiveMaxPool2d): window p
// holds the rows floor(p * H / P) ... ceil((p + 1) * H / P) - 1, columns likewise; windows may overlap. P = Q = 1 is
// global pooling.
//
//   average   y[n,c,p,q] = mean of the window           dx[n,c,h,w] = sum of dy[n,c,p,q] / window(p,q)'s elements
//   max       y[n,c,p,q] = largest of the window        dx[n,c,h,w] = sum of dy[n,c,p,q] of which (h,w) is the winner
//             index[n,c,p,q] = h * W + w of the winner, i32: the first one in row order on a tie; the first NaN wins
//
// T (f32, bf16 or f16): x, y, dx, dy.
#pragma once
#include "core/ops/fields.h"
#include "core/tensor/tensor.h"

namespace fovea {

struct AdaptivePool2dOptions {
  Size2 output_size = 1;
};
void fields(FieldVisitor& visitor, AdaptivePool2dOptions& options);

// Plain data for kernels. Along an axis of H elements and P windows, which floor and ceil make symmetric:
//   window p holds the elements floor(p * H / P) ... ceil((p + 1) * H / P) - 1
//   element h lies in the windows floor(h * P / H) ... ceil((h + 1) * P / H) - 1
struct AdaptivePool2dGeometry {
  std::int64_t N, C, H, W, P, Q;
};
// Throws InputError: not 4-D, an extent below 1.
AdaptivePool2dGeometry adaptive_pool2d_geometry(const AdaptivePool2dOptions& options, const Shape& x);
Shape adaptive_pool2d_output_shape(const AdaptivePool2dOptions& options, const Shape& x);

class AdaptivePool2dOps {
 public:
  virtual ~AdaptivePool2dOps() = default;
  virtual void adaptive_avg_pool2d_forward(const AdaptivePool2dOptions& options, ConstView x, View y) = 0;
  virtual void adaptive_avg_pool2d_backward(const AdaptivePool2dOptions& options, ConstView dy, View dx) = 0;
  virtual void adaptive_max_pool2d_forward(const AdaptivePool2dOptions& options, ConstView x, View y, View index) = 0;
  virtual void adaptive_max_pool2d_backward(const AdaptivePool2dOptions& options, ConstView dy, ConstView index,
                                            View dx) = 0;
};

}  // namespace fovea
