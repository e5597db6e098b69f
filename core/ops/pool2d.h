// SPDX-License-Identifier: Apache-2.0
//
// The window geometry that max_pool2d and avg_pool2d share.
//
//   P = round((H + pad.top + pad.bottom - R) / stride.h) + 1, Q likewise; `round` is floor, or with ceil_mode ceil.
//   With ceil_mode the last window is dropped when it would start beyond the input and the leading padding (the rule
//   of Caffe and PyTorch), so that every window holds at least one input element or padding row.
#pragma once
#include "core/ops/fields.h"
#include "core/tensor/shape.h"

namespace fovea {

struct Pool2dGeometry {
  std::int64_t N, C, H, W;
  std::int64_t R, S;  // window
  std::int64_t P, Q;  // output
  std::int64_t stride_h, stride_w, pad_top, pad_left;
  std::int64_t pad_bottom, pad_right;
};

// Throws InputError: not 4-D, window larger than the padded input, padding larger than half the window, stride < 1.
Pool2dGeometry pool2d_geometry(Size2 kernel, Size2 stride, Padding2 padding, bool ceil_mode, const Shape& x);

}  // namespace fovea
