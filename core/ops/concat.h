// SPDX-License-Identifier: Apache-2.0
//
// Tensors side by side along one axis (axis 1, the channels, unless said otherwise); all other extents agree.
//
//   y[..., first_i + j, ...] = x_i[..., j, ...]         first_i = extents of x_0 .. x_{i-1} along the axis, added up
//   dx_i[..., j, ...] = dy[..., first_i + j, ...]
//
// Both directions are called once for each input: y is complete when all inputs have been put into it.
//
// T (f32, bf16 or f16): x, y, dx, dy.
#pragma once
#include <span>

#include "core/ops/fields.h"
#include "core/tensor/tensor.h"

namespace fovea {

struct ConcatOptions {
  std::int64_t axis = 1;
};
void fields(FieldVisitor& visitor, ConcatOptions& options);

// Throws InputError: no input, an axis that is no axis behind the batch, extents that differ elsewhere.
Shape concat_output_shape(const ConcatOptions& options, std::span<const Shape> inputs);

// One input's place in y: [outer, extent, inner] elements at `first` of [outer, whole, inner]. Plain data for kernels.
struct ConcatSlice {
  std::int64_t outer, extent, whole, inner, first;
};
// Throws InputError when `x` does not fit into `y` there. `layout`: nchw, or nhwc where both are images that lie so.
ConcatSlice concat_slice(const ConcatOptions& options, const Shape& x, std::int64_t first, const Shape& y,
                         Layout layout = Layout::nchw);

class ConcatOps {
 public:
  virtual ~ConcatOps() = default;
  virtual void concat_forward(const ConcatOptions& options, ConstView x, std::int64_t first, View y) = 0;
  virtual void concat_backward(const ConcatOptions& options, ConstView dy, std::int64_t first, View dx) = 0;
};

}  // namespace fovea
