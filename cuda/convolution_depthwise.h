// SPDX-License-Identifier: Apache-2.0
//
// The depthwise convolutions of NativeOps: groups of one channel, images in NHWC, every type as it is and sums in float32.
// On any device. Views have the contract's shapes, N, C, H, W; x, y, dy and dx must lie in nhwc, filters, bias and their
// gradients are plain, as always. A call's workspace takes the filters in the order that the kernels read, or the parts of
// their gradient.
#pragma once
#include "core/ops/conv2d.h"
#include "cuda/arguments.h"
#include "cuda/runtime/stream.h"

namespace fovea::FOVEA_TARGET {

// Whether these functions serve images of this shape and layout. A single channel with several filters is no such
// convolution: tensor cores share its x among them.
bool serves_conv2d_depthwise(const Conv2dOptions& options, const Shape& x, Layout layout);

// Bytes that a pass wants where images are stored as `dtype`.
std::size_t conv2d_depthwise_workspace(Conv2dPass pass, const Conv2dOptions& options, const Shape& x, DType dtype);

// With a ReLU at the end where `relu`. `bias` may be empty.
void run_conv2d_depthwise(Stream& stream, const Arguments& arguments, bool relu, const Conv2dOptions& options,
                          const ConstView& x, const ConstView& w, const ConstView& bias, const View& y,
                          const Workspace& workspace);
// Behind the backward of the ReLU that left `x`; null where there is none.
void run_conv2d_backward_data_depthwise(Stream& stream, const Arguments& arguments, const Conv2dOptions& options,
                                        const ConstView* x, const ConstView& dy, const ConstView& w, const View& dx,
                                        const Workspace& workspace);
void run_conv2d_backward_filter_depthwise(Stream& stream, const Arguments& arguments, const Conv2dOptions& options,
                                          const ConstView& x, const ConstView& dy, const View& dw,
                                          const Workspace& workspace);

}  // namespace fovea::FOVEA_TARGET
