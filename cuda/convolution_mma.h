// SPDX-License-Identifier: Apache-2.0
//
// The convolutions and linear layers of NativeOps on tensor cores: images NHWC, features row by row as ever.
// 16 bits as they are, float32 as `floats` says; no engine multiplies it here unasked: serves_...() say no. Views have the
// contract's shapes, N, C, H, W; x, y, dy and dx must lie in nhwc, filters, bias and their gradients are plain, as always. A call's workspace takes the filters in the order that the kernels read.
#pragma once
#include "core/ops/conv2d.h"
#include "core/ops/linear.h"
#include "cuda/arguments.h"
#include "cuda/mma_floats.h"
#include "cuda/runtime/stream.h"

namespace fovea::FOVEA_TARGET {

// Whether these functions serve images of this type and layout, or features of this type, on this stream's device: it must
// run code for sm_80.
bool serves_conv2d_mma(Stream& stream, DType dtype, Layout layout);
bool serves_linear_mma(Stream& stream, DType dtype);

// Bytes that a pass wants where images are stored as `dtype`.
std::size_t conv2d_mma_workspace(Conv2dPass pass, const Conv2dOptions& options, const Shape& x, DType dtype);

// With a ReLU at the end where `relu`. `bias` may be empty.
void run_conv2d_mma(Stream& stream, const Arguments& arguments, MmaFloats floats, bool relu,
                    const Conv2dOptions& options, const ConstView& x, const ConstView& w, const ConstView& bias,
                    const View& y, const Workspace& workspace);
// Behind the backward of the ReLU that left `x`; null where there is none.
void run_conv2d_backward_data_mma(Stream& stream, const Arguments& arguments, MmaFloats floats,
                                  const Conv2dOptions& options, const ConstView* x, const ConstView& dy,
                                  const ConstView& w, const View& dx, const Workspace& workspace);
void run_conv2d_backward_filter_mma(Stream& stream, const Arguments& arguments, MmaFloats floats,
                                    const Conv2dOptions& options, const ConstView& x, const ConstView& dy,
                                    const View& dw, const Workspace& workspace);

// Only the weight gradient wants a workspace.
std::size_t linear_mma_workspace(LinearPass pass, const LinearOptions& options, const Shape& x);
void run_linear_mma(Stream& stream, const Arguments& arguments, MmaFloats floats, bool relu,
                    const LinearOptions& options, const ConstView& x, const ConstView& w, const ConstView& bias,
                    const View& y);
void run_linear_backward_data_mma(Stream& stream, const Arguments& arguments, MmaFloats floats,
                                  const LinearOptions& options, const ConstView* x, const ConstView& dy,
                                  const ConstView& w, const View& dx);
void run_linear_backward_weight_mma(Stream& stream, const Arguments& arguments, MmaFloats floats,
                                    const LinearOptions& options, const ConstView& x, const ConstView& dy,
                                    const View& dw, const Workspace& workspace);

}  // namespace fovea::FOVEA_TARGET
