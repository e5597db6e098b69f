// SPDX-License-Identifier: Apache-2.0
//
// Convolutions (core/ops/conv2d.h): the arguments are checked here; conv2d_dense.cpp computes those whose windows cover
// the whole image and conv2d_onednn.cpp all others.
#include "cpu/arguments.h"
#include "cpu/conv2d_dense.h"
#include "cpu/cpu_ops.h"

namespace fovea {
namespace {

// Layouts may differ between x and y, so each is checked against its own.
struct Image {
  const char* name;
  ConstView view;
};
Conv2dLayouts checked(const char* operation, const Conv2dOptions& options, const Image& x, const Image& y,
                      const char* filter_name, ConstView filter, ConstView bias) {
  const cpu::Arguments input(operation, x.name, x.view), output(operation, y.name, y.view);
  const Shape filter_shape = input.geometry([&] { return conv2d_filter_shape(options, x.view.shape); });
  output.image(y.name, y.view, conv2d_output_shape(options, x.view.shape));
  input.plain(filter_name, filter, filter_shape);
  if (bias) input.plain("bias", bias, Shape{options.out_channels});
  return {x.view.layout, y.view.layout, x.view.layout};
}

}  // namespace

Conv2dLayouts CpuOps::conv2d_layouts(const Conv2dOptions& options, const Shape& x, DType, Layout given, bool training) {
  // Whatever they are, nothing needs converting.
  if (cpu::conv2d_is_dense(options, x)) return {given, given, given};
  return conv2d_.layouts(options, x, given, training);
}

std::size_t CpuOps::conv2d_workspace(Conv2dPass pass, const Conv2dOptions& options, const Shape& x) {
  return conv2d_workspace_in(pass, options, x, DType::f32, {});
}

std::size_t CpuOps::conv2d_workspace_in(Conv2dPass pass, const Conv2dOptions& options, const Shape& x, DType,
                                        Conv2dLayouts layouts) {
  if (cpu::conv2d_is_dense(options, x)) return cpu::conv2d_dense_workspace(options, x, layouts);
  return conv2d_.workspace(pass, options, x, layouts);
}

void CpuOps::run_conv2d(Conv2dPass pass, const Conv2dOptions& options, const Shape& x, Conv2dLayouts layouts,
                        const float* first, const float* second, const float* bias, float* result,
                        Workspace workspace) {
  if (cpu::conv2d_is_dense(options, x)) {
    cpu::conv2d_dense(pass, options, x, layouts, first, second, bias, result, workspace);
  } else {
    conv2d_.run(pass, options, x, layouts, first, second, bias, result, workspace);
  }
  ++executed_;
}

void CpuOps::conv2d_forward(const Conv2dOptions& options, ConstView x, ConstView w, ConstView bias, View y,
                            Workspace workspace) {
  const Conv2dLayouts layouts = checked("conv2d_forward", options, {"x", x}, {"y", y}, "w", w, bias);
  run_conv2d(Conv2dPass::forward, options, x.shape, layouts, data_as<float>(x), data_as<float>(w),
             bias ? data_as<float>(bias) : nullptr, data_as<float>(y), workspace);
}

void CpuOps::conv2d_backward_data(const Conv2dOptions& options, ConstView dy, ConstView w, View dx,
                                  Workspace workspace) {
  const Conv2dLayouts layouts = checked("conv2d_backward_data", options, {"dx", dx}, {"dy", dy}, "w", w, {});
  run_conv2d(Conv2dPass::backward_data, options, dx.shape, layouts, data_as<float>(dy), data_as<float>(w), nullptr,
             data_as<float>(dx), workspace);
}

void CpuOps::conv2d_backward_filter(const Conv2dOptions& options, ConstView x, ConstView dy, View dw,
                                    Workspace workspace) {
  const Conv2dLayouts layouts = checked("conv2d_backward_filter", options, {"x", x}, {"dy", dy}, "dw", dw, {});
  run_conv2d(Conv2dPass::backward_filter, options, x.shape, layouts, data_as<float>(x), data_as<float>(dy), nullptr,
             data_as<float>(dw), workspace);
}

}  // namespace fovea
