// SPDX-License-Identifier: Apache-2.0
#include "cuda/mma_ops.h"

#include "cuda/arguments.h"
#include "cuda/convolution_mma.h"

namespace fovea::FOVEA_TARGET {
namespace {

// Everything else NativeOps has already, on tensor cores or not.
bool becomes_tf32(DType dtype, Layout layout) { return dtype == DType::f32 && layout == Layout::nhwc; }

}  // namespace

std::size_t MmaOps::conv2d_workspace_in(Conv2dPass pass, const Conv2dOptions& options, const Shape& x, DType dtype,
                                        Conv2dLayouts layouts) {
  if (!becomes_tf32(dtype, pass == Conv2dPass::backward_data ? layouts.dx : layouts.x))
    return NativeOps::conv2d_workspace_in(pass, options, x, dtype, layouts);
  return conv2d_mma_workspace(pass, options, x, dtype);
}

void MmaOps::conv2d_forward(const Conv2dOptions& options, ConstView x, ConstView w, ConstView bias, View y,
                            Workspace workspace) {
  if (!becomes_tf32(x.dtype, x.layout)) return NativeOps::conv2d_forward(options, x, w, bias, y, workspace);
  run_conv2d_mma(stream(), Arguments("conv2d_forward", memory()), false, options, x, w, bias, y, workspace);
}

void MmaOps::conv2d_forward_relu(const Conv2dOptions& options, ConstView x, ConstView w, ConstView bias, View y,
                                 Workspace workspace) {
  if (!becomes_tf32(x.dtype, x.layout)) return NativeOps::conv2d_forward_relu(options, x, w, bias, y, workspace);
  run_conv2d_mma(stream(), Arguments("conv2d_forward_relu", memory()), true, options, x, w, bias, y, workspace);
}

void MmaOps::conv2d_backward_data(const Conv2dOptions& options, ConstView dy, ConstView w, View dx,
                                  Workspace workspace) {
  if (!becomes_tf32(dx.dtype, dx.layout)) return NativeOps::conv2d_backward_data(options, dy, w, dx, workspace);
  const Arguments arguments("conv2d_backward_data", memory());
  run_conv2d_backward_data_mma(stream(), arguments, options, nullptr, dy, w, dx, workspace);
}

void MmaOps::conv2d_backward_data_relu(const Conv2dOptions& options, ConstView x, ConstView dy, ConstView w, View dx,
                                       Workspace workspace) {
  if (!becomes_tf32(dx.dtype, dx.layout)) return NativeOps::conv2d_backward_data_relu(options, x, dy, w, dx, workspace);
  const Arguments arguments("conv2d_backward_data_relu", memory());
  run_conv2d_backward_data_mma(stream(), arguments, options, &x, dy, w, dx, workspace);
}

void MmaOps::conv2d_backward_filter(const Conv2dOptions& options, ConstView x, ConstView dy, View dw,
                                    Workspace workspace) {
  if (!becomes_tf32(x.dtype, x.layout)) return NativeOps::conv2d_backward_filter(options, x, dy, dw, workspace);
  run_conv2d_backward_filter_mma(stream(), Arguments("conv2d_backward_filter", memory()), options, x, dy, dw,
                                 workspace);
}

std::size_t MmaOps::linear_workspace_in(LinearPass pass, const LinearOptions& options, const Shape& x, DType) {
  return linear_mma_workspace(pass, options, x);
}

void MmaOps::linear_forward(const LinearOptions& options, ConstView x, ConstView w, ConstView bias, View y, Workspace) {
  run_linear_mma(stream(), Arguments("linear_forward", memory()), false, options, x, w, bias, y);
}

void MmaOps::linear_forward_relu(const LinearOptions& options, ConstView x, ConstView w, ConstView bias, View y,
                                 Workspace) {
  run_linear_mma(stream(), Arguments("linear_forward_relu", memory()), true, options, x, w, bias, y);
}

void MmaOps::linear_backward_data(const LinearOptions& options, ConstView dy, ConstView w, View dx, Workspace) {
  run_linear_backward_data_mma(stream(), Arguments("linear_backward_data", memory()), options, nullptr, dy, w, dx);
}

void MmaOps::linear_backward_data_relu(const LinearOptions& options, ConstView x, ConstView dy, ConstView w, View dx,
                                       Workspace) {
  run_linear_backward_data_mma(stream(), Arguments("linear_backward_data_relu", memory()), options, &x, dy, w, dx);
}

void MmaOps::linear_backward_weight(const LinearOptions& options, ConstView x, ConstView dy, View dw,
                                    Workspace workspace) {
  run_linear_backward_weight_mma(stream(), Arguments("linear_backward_weight", memory()), options, x, dy, dw,
                                 workspace);
}

}  // namespace fovea::FOVEA_TARGET
