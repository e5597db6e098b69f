// SPDX-License-Identifier: Apache-2.0
#include "cuda/native_ops.h"

#include <algorithm>

#include "cuda/arguments.h"
#include "cuda/kernels/kernels.h"

namespace fovea::FOVEA_TARGET {

// Inside the class an operation's name means the member: say kernels:: for the launcher.
namespace kernels = fovea::FOVEA_TARGET;

namespace {

struct Conv2dShapes {
  Conv2dGeometry g;
  Shape x, w, bias, y;
};

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

struct Pool2dShapes {
  Pool2dGeometry g;
  Shape x, y;
};

Pool2dShapes pool2d_shapes(const Arguments& arguments, const Pool2dGeometry& g) {
  Pool2dShapes shapes{g, {g.N, g.C, g.H, g.W}, {g.N, g.C, g.P, g.Q}};
  arguments.require_indexable("x", shapes.x.elements());
  arguments.require_indexable("y", shapes.y.elements());
  arguments.require_indexable("padded height", g.P * g.stride_h + g.R + g.pad_top);
  arguments.require_indexable("padded width", g.Q * g.stride_w + g.S + g.pad_left);
  return shapes;
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

std::size_t NativeOps::conv2d_workspace(Conv2dPass pass, const Conv2dOptions& options, const Shape& x) {
  if (algorithm_ == ConvAlgorithm::direct || pass != Conv2dPass::backward_filter) return 0;
  return conv2d_backward_filter_implicit_gemm_workspace(conv2d_geometry(options, x));
}

void NativeOps::conv2d_forward(const Conv2dOptions& options, ConstView x, ConstView w, ConstView bias, View y,
                               Workspace) {
  const Arguments arguments("conv2d_forward", memory_);
  const Conv2dShapes shapes = conv2d_shapes(arguments, options, x.shape);
  const auto run = algorithm_ == ConvAlgorithm::direct ? conv2d_forward_direct : conv2d_forward_implicit_gemm;
  run(stream_, shapes.g, arguments.in("x", x, shapes.x), arguments.in("w", w, shapes.w),
      arguments.optional("bias", bias, shapes.bias), arguments.out("y", y, shapes.y));
}

void NativeOps::conv2d_backward_data(const Conv2dOptions& options, ConstView dy, ConstView w, View dx, Workspace) {
  const Arguments arguments("conv2d_backward_data", memory_);
  const Conv2dShapes shapes = conv2d_shapes(arguments, options, dx.shape);
  const auto run =
      algorithm_ == ConvAlgorithm::direct ? conv2d_backward_data_direct : conv2d_backward_data_implicit_gemm;
  run(stream_, shapes.g, arguments.in("dy", dy, shapes.y), arguments.in("w", w, shapes.w),
      arguments.out("dx", dx, shapes.x));
}

void NativeOps::conv2d_backward_filter(const Conv2dOptions& options, ConstView x, ConstView dy, View dw,
                                       Workspace workspace) {
  const Arguments arguments("conv2d_backward_filter", memory_);
  const Conv2dShapes shapes = conv2d_shapes(arguments, options, x.shape);
  const float* x_data = arguments.in("x", x, shapes.x);
  const float* dy_data = arguments.in("dy", dy, shapes.y);
  float* dw_data = arguments.out("dw", dw, shapes.w);
  if (algorithm_ == ConvAlgorithm::direct) {
    conv2d_backward_filter_direct(stream_, shapes.g, x_data, dy_data, dw_data);
    return;
  }
  arguments.require_workspace(workspace, conv2d_backward_filter_implicit_gemm_workspace(shapes.g));
  conv2d_backward_filter_implicit_gemm(stream_, shapes.g, x_data, dy_data, dw_data,
                                       static_cast<float*>(workspace.data));
}

std::size_t NativeOps::linear_workspace(LinearPass, const LinearOptions&, const Shape&) { return 0; }

void NativeOps::linear_forward(const LinearOptions& options, ConstView x, ConstView w, ConstView bias, View y,
                               Workspace) {
  const Arguments arguments("linear_forward", memory_);
  const LinearGeometry g = arguments.geometry([&] { return linear_geometry(options, x.shape); });
  kernels::linear_forward(stream_, g, arguments.in("x", x, x.shape), arguments.in("w", w, {g.O, g.I}),
                          arguments.optional("bias", bias, {g.O}), arguments.out("y", y, {g.N, g.O}));
}

void NativeOps::linear_backward_data(const LinearOptions& options, ConstView dy, ConstView w, View dx, Workspace) {
  const Arguments arguments("linear_backward_data", memory_);
  const LinearGeometry g = arguments.geometry([&] { return linear_geometry(options, dx.shape); });
  kernels::linear_backward_data(stream_, g, arguments.in("dy", dy, {g.N, g.O}), arguments.in("w", w, {g.O, g.I}),
                                arguments.out("dx", dx, dx.shape));
}

void NativeOps::linear_backward_weight(const LinearOptions& options, ConstView x, ConstView dy, View dw, Workspace) {
  const Arguments arguments("linear_backward_weight", memory_);
  const LinearGeometry g = arguments.geometry([&] { return linear_geometry(options, x.shape); });
  kernels::linear_backward_weight(stream_, g, arguments.in("x", x, x.shape), arguments.in("dy", dy, {g.N, g.O}),
                                  arguments.out("dw", dw, {g.O, g.I}));
}

void NativeOps::bias_add(ConstView bias, View y) {
  const Arguments arguments("bias_add", memory_);
  float* y_data = arguments.out("y", y, y.shape);
  const BiasGeometry g = bias_geometry(arguments, "y", y);
  kernels::bias_add(stream_, g.N, g.K, g.positions, arguments.in("bias", bias, {g.K}), y_data);
}

void NativeOps::bias_gradient(ConstView dy, View dbias) {
  const Arguments arguments("bias_gradient", memory_);
  const float* dy_data = arguments.in("dy", dy, dy.shape);
  const BiasGeometry g = bias_geometry(arguments, "dy", dy);
  kernels::bias_gradient(stream_, g.N, g.K, g.positions, dy_data, arguments.out("dbias", dbias, {g.K}));
}

void NativeOps::max_pool2d_forward(const MaxPool2dOptions& options, ConstView x, View y, View index) {
  const Arguments arguments("max_pool2d_forward", memory_);
  const Pool2dShapes shapes =
      pool2d_shapes(arguments, arguments.geometry([&] { return max_pool2d_geometry(options, x.shape); }));
  const DType index_dtype = arguments.geometry([&] { return max_pool2d_index_dtype(options); });
  const float* x_data = arguments.in("x", x, shapes.x);
  float* y_data = arguments.out("y", y, shapes.y);
  if (index_dtype == DType::u8) {
    kernels::max_pool2d_forward(stream_, shapes.g, x_data, y_data,
                                arguments.out<std::uint8_t>("index", index, shapes.y));
  } else {
    kernels::max_pool2d_forward(stream_, shapes.g, x_data, y_data,
                                arguments.out<std::uint16_t>("index", index, shapes.y));
  }
}

void NativeOps::max_pool2d_backward(const MaxPool2dOptions& options, ConstView dy, ConstView index, View dx) {
  const Arguments arguments("max_pool2d_backward", memory_);
  const Pool2dShapes shapes =
      pool2d_shapes(arguments, arguments.geometry([&] { return max_pool2d_geometry(options, dx.shape); }));
  const DType index_dtype = arguments.geometry([&] { return max_pool2d_index_dtype(options); });
  const float* dy_data = arguments.in("dy", dy, shapes.y);
  float* dx_data = arguments.out("dx", dx, shapes.x);
  if (index_dtype == DType::u8) {
    kernels::max_pool2d_backward(stream_, shapes.g, dy_data, arguments.in<std::uint8_t>("index", index, shapes.y),
                                 dx_data);
  } else {
    kernels::max_pool2d_backward(stream_, shapes.g, dy_data, arguments.in<std::uint16_t>("index", index, shapes.y),
                                 dx_data);
  }
}

void NativeOps::avg_pool2d_forward(const AvgPool2dOptions& options, ConstView x, View y) {
  const Arguments arguments("avg_pool2d_forward", memory_);
  const Pool2dShapes shapes =
      pool2d_shapes(arguments, arguments.geometry([&] { return avg_pool2d_geometry(options, x.shape); }));
  kernels::avg_pool2d_forward(stream_, shapes.g, options.count_include_pad, arguments.in("x", x, shapes.x),
                              arguments.out("y", y, shapes.y));
}

void NativeOps::avg_pool2d_backward(const AvgPool2dOptions& options, ConstView dy, View dx) {
  const Arguments arguments("avg_pool2d_backward", memory_);
  const Pool2dShapes shapes =
      pool2d_shapes(arguments, arguments.geometry([&] { return avg_pool2d_geometry(options, dx.shape); }));
  kernels::avg_pool2d_backward(stream_, shapes.g, options.count_include_pad, arguments.in("dy", dy, shapes.y),
                               arguments.out("dx", dx, shapes.x));
}

void NativeOps::relu_forward(ConstView x, View y) {
  const Arguments arguments("relu_forward", memory_);
  kernels::relu_forward(stream_, x.elements(), arguments.in("x", x, x.shape), arguments.out("y", y, x.shape));
}

void NativeOps::relu_backward(ConstView y, ConstView dy, View dx) {
  const Arguments arguments("relu_backward", memory_);
  kernels::relu_backward(stream_, y.elements(), arguments.in("y", y, y.shape), arguments.in("dy", dy, y.shape),
                         arguments.out("dx", dx, y.shape));
}

void NativeOps::tanh_forward(ConstView x, View y) {
  const Arguments arguments("tanh_forward", memory_);
  kernels::tanh_forward(stream_, x.elements(), arguments.in("x", x, x.shape), arguments.out("y", y, x.shape));
}

void NativeOps::tanh_backward(ConstView y, ConstView dy, View dx) {
  const Arguments arguments("tanh_backward", memory_);
  kernels::tanh_backward(stream_, y.elements(), arguments.in("y", y, y.shape), arguments.in("dy", dy, y.shape),
                         arguments.out("dx", dx, y.shape));
}

void NativeOps::add_forward(ConstView a, ConstView b, View y) {
  const Arguments arguments("add_forward", memory_);
  kernels::add_forward(stream_, a.elements(), arguments.in("a", a, a.shape), arguments.in("b", b, a.shape),
                       arguments.out("y", y, a.shape));
}

void NativeOps::add_backward(ConstView dy, View dx) {
  const Arguments arguments("add_backward", memory_);
  kernels::add_backward(stream_, dy.elements(), arguments.in("dy", dy, dy.shape), arguments.out("dx", dx, dy.shape));
}

void NativeOps::softmax_forward(ConstView x, View y) {
  const Arguments arguments("softmax_forward", memory_);
  arguments.require_rank("x", x, 2, 2);
  kernels::softmax_forward(stream_, x.shape[0], x.shape[1], arguments.in("x", x, x.shape),
                           arguments.out("y", y, x.shape));
}

void NativeOps::softmax_backward(ConstView y, ConstView dy, View dx) {
  const Arguments arguments("softmax_backward", memory_);
  arguments.require_rank("y", y, 2, 2);
  kernels::softmax_backward(stream_, y.shape[0], y.shape[1], arguments.in("y", y, y.shape),
                            arguments.in("dy", dy, y.shape), arguments.out("dx", dx, y.shape));
}

void NativeOps::softmax_cross_entropy_forward(ConstView logits, ConstView labels, View probabilities, View losses,
                                              View loss) {
  const Arguments arguments("softmax_cross_entropy_forward", memory_);
  arguments.require_rank("logits", logits, 2, 2);
  const std::int64_t N = logits.shape[0], C = logits.shape[1];
  kernels::softmax_cross_entropy_forward(stream_, N, C, arguments.in("logits", logits, {N, C}),
                                         arguments.in<std::int32_t>("labels", labels, {N}),
                                         arguments.out("probabilities", probabilities, {N, C}),
                                         arguments.out("losses", losses, {N}), arguments.out("loss", loss, {1}));
}

void NativeOps::softmax_cross_entropy_backward(ConstView probabilities, ConstView labels, ConstView dloss,
                                               View dlogits) {
  const Arguments arguments("softmax_cross_entropy_backward", memory_);
  arguments.require_rank("probabilities", probabilities, 2, 2);
  const std::int64_t N = probabilities.shape[0], C = probabilities.shape[1];
  kernels::softmax_cross_entropy_backward(stream_, N, C, arguments.in("probabilities", probabilities, {N, C}),
                                          arguments.in<std::int32_t>("labels", labels, {N}),
                                          arguments.in("dloss", dloss, {1}), arguments.out("dlogits", dlogits, {N, C}));
}

void NativeOps::sgd_step(const SgdOptions& options, View w, ConstView g, View v) {
  if (w.elements() == 0 && g.elements() == 0 && v.elements() == 0) return;  // a net without parameters
  const Arguments arguments("sgd_step", memory_);
  kernels::sgd_step(stream_, options, w.elements(), arguments.out("w", w, w.shape), arguments.in("g", g, w.shape),
                    arguments.out("v", v, w.shape));
}

}  // namespace fovea::FOVEA_TARGET
