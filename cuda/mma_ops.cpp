// SPDX-License-Identifier: Apache-2.0
#include "cuda/mma_ops.h"

#include "cuda/arguments.h"
#include "cuda/conv2d_shapes.h"
#include "cuda/kernels/kernels_mma.h"

namespace fovea::FOVEA_TARGET {
namespace {

// Everything else NativeOps has already, on tensor cores or not.
bool becomes_tf32(DType dtype, Layout layout) { return dtype == DType::f32 && layout == Layout::nhwc; }

// The filters in the order that a pass reads them in, or the parts of a sum.
std::size_t tf32_workspace(Conv2dPass pass, const Conv2dGeometry& g) {
  if (pass == Conv2dPass::backward_filter) return conv2d_backward_filter_mma_workspace(g);
  return static_cast<std::size_t>(g.K * g.channels_per_group() * g.R * g.S) * sizeof(float);
}

// With or without a ReLU at the end, as the two forms below.
void run_conv2d_tf32(Stream& stream, const Arguments& arguments, bool relu, const Conv2dOptions& options,
                     const ConstView& x, const ConstView& w, const ConstView& bias, const View& y,
                     const Workspace& workspace) {
  const Conv2dShapes shapes = conv2d_shapes(arguments, options, x.shape);
  const float* x_data = arguments.in("x", x, shapes.x, Layout::nhwc);
  const float* w_data = arguments.in("w", w, shapes.w);
  const float* bias_data = arguments.optional("bias", bias, shapes.bias);
  float* y_data = arguments.out("y", y, shapes.y, Layout::nhwc);
  arguments.require_workspace(workspace, tf32_workspace(Conv2dPass::forward, shapes.g));
  float* krsc = static_cast<float*>(workspace.data);
  conv2d_filters_to_krsc<float>(stream, shapes.g, w_data, krsc);
  conv2d_forward_mma<float>(stream, shapes.g, relu, x_data, krsc, bias_data, y_data);
}

// Behind the backward of the ReLU that left `x`; null where there is none.
void run_conv2d_backward_data_tf32(Stream& stream, const Arguments& arguments, const Conv2dOptions& options,
                                   const ConstView* x, const ConstView& dy, const ConstView& w, const View& dx,
                                   const Workspace& workspace) {
  const Conv2dShapes shapes = conv2d_shapes(arguments, options, dx.shape);
  const float* gate = arguments.gate<float>(x, shapes.x, Layout::nhwc);
  const float* dy_data = arguments.in("dy", dy, shapes.y, Layout::nhwc);
  const float* w_data = arguments.in("w", w, shapes.w);
  float* dx_data = arguments.out("dx", dx, shapes.x, Layout::nhwc);
  arguments.require_workspace(workspace, tf32_workspace(Conv2dPass::backward_data, shapes.g));
  float* crsk = static_cast<float*>(workspace.data);
  conv2d_filters_to_crsk<float>(stream, shapes.g, w_data, crsk);
  conv2d_backward_data_mma<float>(stream, shapes.g, gate, dy_data, crsk, dx_data);
}

// Checked against what the kernels index with 32 bits.
LinearGeometry mma_geometry(const Arguments& arguments, const LinearOptions& options, const Shape& x) {
  const LinearGeometry g = arguments.geometry([&] { return linear_geometry(options, x); });
  arguments.require_indexable("x", g.N * g.I);
  arguments.require_indexable("w", g.O * g.I);
  arguments.require_indexable("y", g.N * g.O);
  return g;
}

void run_linear_mma(Stream& stream, const Arguments& arguments, bool relu, const LinearOptions& options,
                    const ConstView& x, const ConstView& w, const ConstView& bias, const View& y) {
  const LinearGeometry g = mma_geometry(arguments, options, x.shape);
  arguments.with_storage("x", x, [&]<class T>(std::type_identity<T>) {
    linear_forward_mma<T>(stream, g, relu, arguments.in<T>("x", x, x.shape), arguments.in<T>("w", w, {g.O, g.I}),
                          arguments.optional("bias", bias, {g.O}), arguments.out<T>("y", y, {g.N, g.O}));
  });
}

void run_linear_backward_data_mma(Stream& stream, const Arguments& arguments, const LinearOptions& options,
                                  const ConstView* x, const ConstView& dy, const ConstView& w, const View& dx) {
  const LinearGeometry g = mma_geometry(arguments, options, dx.shape);
  arguments.with_storage("dx", dx, [&]<class T>(std::type_identity<T>) {
    linear_backward_data_mma<T>(stream, g, arguments.gate<T>(x, dx.shape), arguments.in<T>("dy", dy, {g.N, g.O}),
                                arguments.in<T>("w", w, {g.O, g.I}), arguments.out<T>("dx", dx, dx.shape));
  });
}

}  // namespace

std::size_t MmaOps::conv2d_workspace_in(Conv2dPass pass, const Conv2dOptions& options, const Shape& x, DType dtype,
                                        Conv2dLayouts layouts) {
  if (!becomes_tf32(dtype, pass == Conv2dPass::backward_data ? layouts.dx : layouts.x))
    return NativeOps::conv2d_workspace_in(pass, options, x, dtype, layouts);
  return tf32_workspace(pass, conv2d_geometry(options, x));
}

void MmaOps::conv2d_forward(const Conv2dOptions& options, ConstView x, ConstView w, ConstView bias, View y,
                            Workspace workspace) {
  if (!becomes_tf32(x.dtype, x.layout)) return NativeOps::conv2d_forward(options, x, w, bias, y, workspace);
  run_conv2d_tf32(stream(), Arguments("conv2d_forward", memory()), false, options, x, w, bias, y, workspace);
}

void MmaOps::conv2d_forward_relu(const Conv2dOptions& options, ConstView x, ConstView w, ConstView bias, View y,
                                 Workspace workspace) {
  if (!becomes_tf32(x.dtype, x.layout)) return NativeOps::conv2d_forward_relu(options, x, w, bias, y, workspace);
  run_conv2d_tf32(stream(), Arguments("conv2d_forward_relu", memory()), true, options, x, w, bias, y, workspace);
}

void MmaOps::conv2d_backward_data(const Conv2dOptions& options, ConstView dy, ConstView w, View dx,
                                  Workspace workspace) {
  if (!becomes_tf32(dx.dtype, dx.layout)) return NativeOps::conv2d_backward_data(options, dy, w, dx, workspace);
  const Arguments arguments("conv2d_backward_data", memory());
  run_conv2d_backward_data_tf32(stream(), arguments, options, nullptr, dy, w, dx, workspace);
}

void MmaOps::conv2d_backward_data_relu(const Conv2dOptions& options, ConstView x, ConstView dy, ConstView w, View dx,
                                       Workspace workspace) {
  if (!becomes_tf32(dx.dtype, dx.layout)) return NativeOps::conv2d_backward_data_relu(options, x, dy, w, dx, workspace);
  const Arguments arguments("conv2d_backward_data_relu", memory());
  run_conv2d_backward_data_tf32(stream(), arguments, options, &x, dy, w, dx, workspace);
}

void MmaOps::conv2d_backward_filter(const Conv2dOptions& options, ConstView x, ConstView dy, View dw,
                                    Workspace workspace) {
  if (!becomes_tf32(x.dtype, x.layout)) return NativeOps::conv2d_backward_filter(options, x, dy, dw, workspace);
  const Arguments arguments("conv2d_backward_filter", memory());
  const Conv2dShapes shapes = conv2d_shapes(arguments, options, x.shape);
  const float* x_data = arguments.in("x", x, shapes.x, Layout::nhwc);
  const float* dy_data = arguments.in("dy", dy, shapes.y, Layout::nhwc);
  float* dw_data = arguments.out("dw", dw, shapes.w);
  arguments.require_workspace(workspace, tf32_workspace(Conv2dPass::backward_filter, shapes.g));
  conv2d_backward_filter_mma<float>(stream(), shapes.g, x_data, dy_data, dw_data, static_cast<float*>(workspace.data));
}

std::size_t MmaOps::linear_workspace(LinearPass pass, const LinearOptions& options, const Shape& x) {
  if (pass != LinearPass::backward_weight) return 0;
  return linear_backward_weight_mma_workspace(linear_geometry(options, x));
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
  const Arguments arguments("linear_backward_weight", memory());
  const LinearGeometry g = mma_geometry(arguments, options, x.shape);
  arguments.require_workspace(workspace, linear_backward_weight_mma_workspace(g));
  arguments.with_storage("x", x, [&]<class T>(std::type_identity<T>) {
    linear_backward_weight_mma<T>(stream(), g, arguments.in<T>("x", x, x.shape), arguments.in<T>("dy", dy, {g.N, g.O}),
                                  arguments.out("dw", dw, {g.O, g.I}), static_cast<float*>(workspace.data));
  });
}

}  // namespace fovea::FOVEA_TARGET
