// SPDX-License-Identifier: Apache-2.0
#include "cuda/convolution_depthwise.h"

#include "cuda/conv2d_shapes.h"
#include "cuda/kernels/kernels_nhwc.h"

namespace fovea::FOVEA_TARGET {
namespace {

// The filters in the order of the kernels, [R, S, K], in the workspace.
template <class T>
const T* filters_to_rsk(Stream& stream, const Conv2dGeometry& g, const T* w, const Workspace& workspace) {
  T* rsk = static_cast<T*>(workspace.data);
  convert_layout(stream, 1, g.K, g.R * g.S, w, rsk);
  return rsk;
}

}  // namespace

bool serves_conv2d_depthwise(const Conv2dOptions& options, const Shape& x, Layout layout) {
  if (layout != Layout::nhwc || x.rank() != 4 || options.groups != x[1]) return false;
  return options.groups > 1 || options.out_channels == 1;
}

std::size_t conv2d_depthwise_workspace(Conv2dPass pass, const Conv2dOptions& options, const Shape& x, DType dtype) {
  const Conv2dGeometry g = conv2d_geometry(options, x);
  if (pass == Conv2dPass::backward_filter) return conv2d_backward_filter_depthwise_workspace(g);
  return static_cast<std::size_t>(g.K * g.R * g.S) * size_of(dtype);
}

void run_conv2d_depthwise(Stream& stream, const Arguments& arguments, bool relu, const Conv2dOptions& options,
                          const ConstView& x, const ConstView& w, const ConstView& bias, const View& y,
                          const Workspace& workspace) {
  const Conv2dShapes shapes = conv2d_shapes(arguments, options, x.shape);
  arguments.with_storage("x", x, [&]<class T>(std::type_identity<T>) {
    const Conv2dForwardData<T> data(arguments, shapes, Layout::nhwc, x, w, bias, y);
    arguments.require_workspace(workspace, conv2d_depthwise_workspace(Conv2dPass::forward, options, x.shape, x.dtype));
    const T* rsk = filters_to_rsk(stream, shapes.g, data.w, workspace);
    conv2d_forward_depthwise(stream, shapes.g, relu, data.x, rsk, data.bias, data.y);
  });
}

void run_conv2d_backward_data_depthwise(Stream& stream, const Arguments& arguments, const Conv2dOptions& options,
                                        const ConstView* x, const ConstView& dy, const ConstView& w, const View& dx,
                                        const Workspace& workspace) {
  const Conv2dShapes shapes = conv2d_shapes(arguments, options, dx.shape);
  arguments.with_storage("dx", dx, [&]<class T>(std::type_identity<T>) {
    const Conv2dBackwardDataData<T> data(arguments, shapes, Layout::nhwc, x, dy, w, dx);
    arguments.require_workspace(workspace,
                                conv2d_depthwise_workspace(Conv2dPass::backward_data, options, dx.shape, dx.dtype));
    const T* rsk = filters_to_rsk(stream, shapes.g, data.w, workspace);
    conv2d_backward_data_depthwise(stream, shapes.g, data.gate, data.dy, rsk, data.dx);
  });
}

void run_conv2d_backward_filter_depthwise(Stream& stream, const Arguments& arguments, const Conv2dOptions& options,
                                          const ConstView& x, const ConstView& dy, const View& dw,
                                          const Workspace& workspace) {
  const Conv2dShapes shapes = conv2d_shapes(arguments, options, x.shape);
  arguments.with_storage("x", x, [&]<class T>(std::type_identity<T>) {
    const Conv2dBackwardFilterData<T> data(arguments, shapes, Layout::nhwc, x, dy, dw);
    arguments.require_workspace(workspace,
                                conv2d_depthwise_workspace(Conv2dPass::backward_filter, options, x.shape, x.dtype));
    conv2d_backward_filter_depthwise(stream, shapes.g, data.x, data.dy, data.dw, static_cast<float*>(workspace.data));
  });
}

}  // namespace fovea::FOVEA_TARGET
