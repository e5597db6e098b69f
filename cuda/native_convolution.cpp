// SPDX-License-Identifier: Apache-2.0
//
// conv2d, linear and their bias. Convolutions on tensor cores: convolution_mma.cpp; depthwise ones in NHWC:
// convolution_depthwise.cpp.
#include "cuda/native_ops.h"

#include <algorithm>

#include "cuda/arguments.h"
#include "cuda/conv2d_shapes.h"
#include "cuda/convolution_depthwise.h"
#include "cuda/convolution_mma.h"
#include "cuda/kernels/kernels_mma.h"
#include "cuda/kernels/kernels_nhwc.h"

namespace fovea::FOVEA_TARGET {

// Inside the class an operation's name means the member: say kernels:: for the launcher.
namespace kernels = fovea::FOVEA_TARGET;

Conv2dShapes conv2d_shapes(const Arguments& arguments, const Conv2dOptions& options, const Shape& x) {
  const Conv2dGeometry g = arguments.geometry([&] { return conv2d_geometry(options, x); });
  Conv2dShapes shapes{g, x, {g.K, g.channels_per_group(), g.R, g.S}, {g.K}, {g.N, g.K, g.P, g.Q}};
  arguments.require_indexable("x", shapes.x.elements());
  arguments.require_indexable("w", shapes.w.elements());
  arguments.require_indexable("y", shapes.y.elements());
  // Padded coordinates, strides and dilations too.
  arguments.require_indexable("padded height", std::max(g.H + g.pad_top, g.P * g.stride_h + g.R * g.dilation_h));
  arguments.require_indexable("padded width", std::max(g.W + g.pad_left, g.Q * g.stride_w + g.S * g.dilation_w));
  return shapes;
}

namespace {

// With or without a ReLU at the end, as the two forms below.
void run_conv2d(Stream& stream, const Arguments& arguments, ConvAlgorithm algorithm, bool relu,
                const Conv2dOptions& options, const ConstView& x, const ConstView& w, const ConstView& bias,
                const View& y) {
  const Conv2dShapes shapes = conv2d_shapes(arguments, options, x.shape);
  arguments.with_storage("x", x, [&]<class T>(std::type_identity<T>) {
    const auto run = algorithm == ConvAlgorithm::direct ? conv2d_forward_direct<T> : conv2d_forward_implicit_gemm<T>;
    const Conv2dForwardData<T> data(arguments, shapes, Layout::nchw, x, w, bias, y);
    run(stream, shapes.g, relu, data.x, data.w, data.bias, data.y);
  });
}

void run_linear(Stream& stream, const Arguments& arguments, bool relu, const LinearOptions& options, const ConstView& x,
                const ConstView& w, const ConstView& bias, const View& y) {
  const LinearGeometry g = arguments.geometry([&] { return linear_geometry(options, x.shape); });
  arguments.with_storage("x", x, [&]<class T>(std::type_identity<T>) {
    linear_forward(stream, g, relu, arguments.in<T>("x", x, x.shape), arguments.in<T>("w", w, {g.O, g.I}),
                   arguments.optional("bias", bias, {g.O}), arguments.out<T>("y", y, {g.N, g.O}));
  });
}

// With the backward of the ReLU that left `x`, where there is one, as the two forms below.
void run_conv2d_backward_data(Stream& stream, const Arguments& arguments, ConvAlgorithm algorithm,
                              const Conv2dOptions& options, const ConstView* x, const ConstView& dy, const ConstView& w,
                              const View& dx) {
  const Conv2dShapes shapes = conv2d_shapes(arguments, options, dx.shape);
  arguments.with_storage("dx", dx, [&]<class T>(std::type_identity<T>) {
    const auto run =
        algorithm == ConvAlgorithm::direct ? conv2d_backward_data_direct<T> : conv2d_backward_data_implicit_gemm<T>;
    const Conv2dBackwardDataData<T> data(arguments, shapes, Layout::nchw, x, dy, w, dx);
    run(stream, shapes.g, data.gate, data.dy, data.w, data.dx);
  });
}

void run_linear_backward_data(Stream& stream, const Arguments& arguments, const LinearOptions& options,
                              const ConstView* x, const ConstView& dy, const ConstView& w, const View& dx) {
  const LinearGeometry g = arguments.geometry([&] { return linear_geometry(options, dx.shape); });
  arguments.with_storage("dx", dx, [&]<class T>(std::type_identity<T>) {
    linear_backward_data(stream, g, arguments.gate<T>(x, dx.shape), arguments.in<T>("dy", dy, {g.N, g.O}),
                         arguments.in<T>("w", w, {g.O, g.I}), arguments.out<T>("dx", dx, dx.shape));
  });
}

struct BiasGeometry {
  std::int64_t N, K, positions;
};

BiasGeometry bias_geometry(const Arguments& arguments, std::string_view name, const ConstView& y) {
  arguments.require_rank(name, y, 2, Shape::max_rank);
  arguments.require_indexable(name, y.elements());
  return {y.shape[0], y.shape[1], y.elements() / (y.shape[0] * y.shape[1])};
}

}  // namespace

bool NativeOps::on_tensor_cores(DType dtype, Layout layout) const {
  if (multiplies_floats()) return layout == Layout::nhwc && conv2d_mma_available(stream_);
  return algorithm_ == ConvAlgorithm::implicit_gemm && serves_conv2d_mma(stream_, dtype, layout);
}

bool NativeOps::is_depthwise(const Conv2dOptions& options, const Shape& x, Layout layout) const {
  return algorithm_ != ConvAlgorithm::direct && serves_conv2d_depthwise(options, x, layout);
}

bool NativeOps::on_tensor_cores(DType dtype) const {
  if (multiplies_floats()) return conv2d_mma_available(stream_);
  return algorithm_ == ConvAlgorithm::implicit_gemm && serves_linear_mma(stream_, dtype);
}

std::size_t NativeOps::conv2d_workspace(Conv2dPass pass, const Conv2dOptions& options, const Shape& x) {
  if (algorithm_ == ConvAlgorithm::direct || pass != Conv2dPass::backward_filter) return 0;
  return conv2d_backward_filter_implicit_gemm_workspace(conv2d_geometry(options, x));
}

std::size_t NativeOps::conv2d_workspace_in(Conv2dPass pass, const Conv2dOptions& options, const Shape& x, DType dtype,
                                           Conv2dLayouts layouts) {
  const Layout image = pass == Conv2dPass::backward_data ? layouts.dx : layouts.x;
  if (is_depthwise(options, x, image)) return conv2d_depthwise_workspace(pass, options, x, dtype);
  return on_tensor_cores(dtype, image) ? conv2d_mma_workspace(pass, options, x, dtype)
                                       : conv2d_workspace(pass, options, x);
}

void NativeOps::conv2d_forward(const Conv2dOptions& options, ConstView x, ConstView w, ConstView bias, View y,
                               Workspace workspace) {
  const Arguments arguments("conv2d_forward", memory_);
  if (is_depthwise(options, x.shape, x.layout))
    run_conv2d_depthwise(stream_, arguments, false, options, x, w, bias, y, workspace);
  else if (on_tensor_cores(x.dtype, x.layout))
    run_conv2d_mma(stream_, arguments, floats(), false, options, x, w, bias, y, workspace);
  else
    run_conv2d(stream_, arguments, algorithm_, false, options, x, w, bias, y);
}

void NativeOps::conv2d_forward_relu(const Conv2dOptions& options, ConstView x, ConstView w, ConstView bias, View y,
                                    Workspace workspace) {
  const Arguments arguments("conv2d_forward_relu", memory_);
  if (is_depthwise(options, x.shape, x.layout))
    run_conv2d_depthwise(stream_, arguments, true, options, x, w, bias, y, workspace);
  else if (on_tensor_cores(x.dtype, x.layout))
    run_conv2d_mma(stream_, arguments, floats(), true, options, x, w, bias, y, workspace);
  else
    run_conv2d(stream_, arguments, algorithm_, true, options, x, w, bias, y);
}

void NativeOps::conv2d_backward_data(const Conv2dOptions& options, ConstView dy, ConstView w, View dx,
                                     Workspace workspace) {
  const Arguments arguments("conv2d_backward_data", memory_);
  if (is_depthwise(options, dx.shape, dx.layout))
    run_conv2d_backward_data_depthwise(stream_, arguments, options, nullptr, dy, w, dx, workspace);
  else if (on_tensor_cores(dx.dtype, dx.layout))
    run_conv2d_backward_data_mma(stream_, arguments, floats(), options, nullptr, dy, w, dx, workspace);
  else
    run_conv2d_backward_data(stream_, arguments, algorithm_, options, nullptr, dy, w, dx);
}

void NativeOps::conv2d_backward_data_relu(const Conv2dOptions& options, ConstView x, ConstView dy, ConstView w, View dx,
                                          Workspace workspace) {
  const Arguments arguments("conv2d_backward_data_relu", memory_);
  if (is_depthwise(options, dx.shape, dx.layout))
    run_conv2d_backward_data_depthwise(stream_, arguments, options, &x, dy, w, dx, workspace);
  else if (on_tensor_cores(dx.dtype, dx.layout))
    run_conv2d_backward_data_mma(stream_, arguments, floats(), options, &x, dy, w, dx, workspace);
  else
    run_conv2d_backward_data(stream_, arguments, algorithm_, options, &x, dy, w, dx);
}

void NativeOps::conv2d_backward_filter(const Conv2dOptions& options, ConstView x, ConstView dy, View dw,
                                       Workspace workspace) {
  const Arguments arguments("conv2d_backward_filter", memory_);
  if (is_depthwise(options, x.shape, x.layout))
    return run_conv2d_backward_filter_depthwise(stream_, arguments, options, x, dy, dw, workspace);
  if (on_tensor_cores(x.dtype, x.layout))
    return run_conv2d_backward_filter_mma(stream_, arguments, floats(), options, x, dy, dw, workspace);
  const Conv2dShapes shapes = conv2d_shapes(arguments, options, x.shape);
  arguments.with_storage("x", x, [&]<class T>(std::type_identity<T>) {
    const Conv2dBackwardFilterData<T> data(arguments, shapes, Layout::nchw, x, dy, dw);
    if (algorithm_ == ConvAlgorithm::direct) {
      conv2d_backward_filter_direct(stream_, shapes.g, data.x, data.dy, data.dw);
      return;
    }
    arguments.require_workspace(workspace, conv2d_backward_filter_implicit_gemm_workspace(shapes.g));
    conv2d_backward_filter_implicit_gemm(stream_, shapes.g, data.x, data.dy, data.dw,
                                         static_cast<float*>(workspace.data));
  });
}

void NativeOps::bias_add(ConstView bias, View y) {
  const Arguments arguments("bias_add", memory_);
  const Layout layout = arguments.image_layout("y", y);
  arguments.with_storage("y", y, [&]<class T>(std::type_identity<T>) {
    T* y_data = arguments.out<T>("y", y, y.shape, layout);
    const BiasGeometry g = bias_geometry(arguments, "y", y);
    const float* bias_data = arguments.in("bias", bias, {g.K});
    if (layout == Layout::nhwc)
      bias_nhwc_add(stream_, g.N * g.positions, g.K, bias_data, y_data);
    else
      kernels::bias_add(stream_, g.N, g.K, g.positions, bias_data, y_data);
  });
}

std::size_t NativeOps::bias_gradient_workspace(const Shape& dy, Layout layout) {
  return layout == Layout::nhwc ? bias_nhwc_gradient_workspace(dy.elements() / dy[1], dy[1]) : 0;
}

void NativeOps::bias_gradient(ConstView dy, View dbias, Workspace workspace) {
  const Arguments arguments("bias_gradient", memory_);
  const Layout layout = arguments.image_layout("dy", dy);
  arguments.with_storage("dy", dy, [&]<class T>(std::type_identity<T>) {
    const T* dy_data = arguments.in<T>("dy", dy, dy.shape, layout);
    const BiasGeometry g = bias_geometry(arguments, "dy", dy);
    float* dbias_data = arguments.out("dbias", dbias, {g.K});
    if (layout != Layout::nhwc) return kernels::bias_gradient(stream_, g.N, g.K, g.positions, dy_data, dbias_data);
    arguments.require_workspace(workspace, bias_gradient_workspace(dy.shape, layout));
    bias_nhwc_gradient(stream_, g.N * g.positions, g.K, dy_data, dbias_data, static_cast<float*>(workspace.data));
  });
}

std::size_t NativeOps::linear_workspace(LinearPass, const LinearOptions&, const Shape&) { return 0; }
std::size_t NativeOps::linear_workspace_in(LinearPass pass, const LinearOptions& options, const Shape& x, DType dtype) {
  return on_tensor_cores(dtype) ? linear_mma_workspace(pass, options, x) : 0;
}

void NativeOps::linear_forward(const LinearOptions& options, ConstView x, ConstView w, ConstView bias, View y,
                               Workspace) {
  const Arguments arguments("linear_forward", memory_);
  if (on_tensor_cores(x.dtype))
    run_linear_mma(stream_, arguments, floats(), false, options, x, w, bias, y);
  else
    run_linear(stream_, arguments, false, options, x, w, bias, y);
}

void NativeOps::linear_forward_relu(const LinearOptions& options, ConstView x, ConstView w, ConstView bias, View y,
                                    Workspace) {
  const Arguments arguments("linear_forward_relu", memory_);
  if (on_tensor_cores(x.dtype))
    run_linear_mma(stream_, arguments, floats(), true, options, x, w, bias, y);
  else
    run_linear(stream_, arguments, true, options, x, w, bias, y);
}

void NativeOps::linear_backward_data(const LinearOptions& options, ConstView dy, ConstView w, View dx, Workspace) {
  const Arguments arguments("linear_backward_data", memory_);
  if (on_tensor_cores(dx.dtype))
    run_linear_backward_data_mma(stream_, arguments, floats(), options, nullptr, dy, w, dx);
  else
    run_linear_backward_data(stream_, arguments, options, nullptr, dy, w, dx);
}

void NativeOps::linear_backward_data_relu(const LinearOptions& options, ConstView x, ConstView dy, ConstView w, View dx,
                                          Workspace) {
  const Arguments arguments("linear_backward_data_relu", memory_);
  if (on_tensor_cores(dx.dtype))
    run_linear_backward_data_mma(stream_, arguments, floats(), options, &x, dy, w, dx);
  else
    run_linear_backward_data(stream_, arguments, options, &x, dy, w, dx);
}

void NativeOps::linear_backward_weight(const LinearOptions& options, ConstView x, ConstView dy, View dw,
                                       Workspace workspace) {
  const Arguments arguments("linear_backward_weight", memory_);
  if (on_tensor_cores(x.dtype))
    return run_linear_backward_weight_mma(stream_, arguments, floats(), options, x, dy, dw, workspace);
  const LinearGeometry g = arguments.geometry([&] { return linear_geometry(options, x.shape); });
  arguments.with_storage("x", x, [&]<class T>(std::type_identity<T>) {
    kernels::linear_backward_weight(stream_, g, arguments.in<T>("x", x, x.shape), arguments.in<T>("dy", dy, {g.N, g.O}),
                                    arguments.out("dw", dw, {g.O, g.I}));
  });
}

}  // namespace fovea::FOVEA_TARGET
