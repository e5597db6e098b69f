// SPDX-License-Identifier: Apache-2.0
//
// Local response normalisation (Krizhevsky et al. 2012, section 3.3; Caffe's LRN layer; torch's LocalResponseNorm).
//
//   d = k + a * sum over the neighbourhood of x^2        y = x * d^-beta
//   region across:  the channels c - size/2 ... c + (size-1)/2 at the same place, as far as they exist
//   region within:  the places h - (size-1)/2 ... h + size/2 by w likewise, of the same channel, as far as they exist
//
// Peers differ in `a`: with divide_by_size (Caffe, torch) a = alpha / number of the neighbourhood's elements, size or
// size*size, those outside of the image counted; without it (the paper, TensorFlow) a = alpha.
//
//   dx_i = dy_i d_i^-beta - 2 a beta x_i * sum over the j whose neighbourhood holds i of dy_j y_j / d_j
//
//   x, y, scale (= d) [N, C, H, W]
//
// T (f32, bf16 or f16): x, y, dx, dy.     f32: scale.
#pragma once
#include "core/ops/fields.h"
#include "core/tensor/tensor.h"

namespace fovea {

enum class LrnRegion { across, within };

struct LrnOptions {
  std::int64_t size = 5;
  double alpha = 1e-4, beta = 0.75, k = 1;  // the paper: k = 2, alpha = 1e-4 not divided by size
  LrnRegion region = LrnRegion::across;
  bool divide_by_size = true;
};
void fields(FieldVisitor& visitor, LrnOptions& options);

// Plain data for kernels. `a` as above.
struct LrnGeometry {
  std::int64_t N, C, H, W;
  std::int64_t before, after;  // neighbours on each side
  float a, beta, k;
  LrnRegion region;
};
// Throws InputError: not 4-D, size < 1, k not positive.
LrnGeometry lrn_geometry(const LrnOptions& options, const Shape& x);

class LrnOps {
 public:
  virtual ~LrnOps() = default;
  virtual void lrn_forward(const LrnOptions& options, ConstView x, View y, View scale) = 0;
  virtual void lrn_backward(const LrnOptions& options, ConstView x, ConstView y, ConstView scale, ConstView dy,
                            View dx) = 0;
};

}  // namespace fovea
