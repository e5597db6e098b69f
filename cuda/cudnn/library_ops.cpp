// SPDX-License-Identifier: Apache-2.0
#include "cuda/cudnn/library_ops.h"

#include <fmt/core.h>

#include "core/support/error.h"
#include "cuda/arguments.h"
#include "cuda/cudnn/cublaslt_loader.h"
#include "cuda/cudnn/cudnn_loader.h"
#include "cuda/runtime/enqueue.h"

namespace fovea::cuda {

namespace {

Conv2dGeometry checked_geometry(const Arguments& arguments, const Conv2dOptions& options, const Shape& x) {
  const Conv2dGeometry g = arguments.geometry([&] { return conv2d_geometry(options, x); });
  arguments.require_indexable("x", x.elements());
  arguments.require_indexable("y", g.N * g.K * g.P * g.Q);
  return g;
}

Shape filter_shape(const Conv2dGeometry& g) { return {g.K, g.channels_per_group(), g.R, g.S}; }
Shape output_shape(const Conv2dGeometry& g) { return {g.N, g.K, g.P, g.Q}; }

}  // namespace

LibraryStatus library_status() {
  std::string detail;
  bool available = true;
  const auto add = [&](auto&& tell) {
    if (!detail.empty()) detail += "; ";
    try {
      detail += tell();
    } catch (const Error& error) {
      detail += error.what();
      available = false;
    }
  };
  add([] {
    const CudnnLibrary& cudnn = cudnn_library();
    return fmt::format("cuDNN {} ({})", cudnn.version, cudnn.library.path());
  });
  add([] {
    const CublasLtLibrary& cublaslt = cublaslt_library();
    return fmt::format("cuBLASLt {} ({})", cublaslt.version, cublaslt.library.path());
  });
  return {available, detail};
}

std::string library_versions() {
  return fmt::format("cuDNN {}, cuBLASLt {}", cudnn_library().version, cublaslt_library().version);
}

LibraryOps::~LibraryOps() {
  try {
    on_device(stream(), [&] {
      cudnn_.reset();
      cublaslt_.reset();
    });
  } catch (const Error&) {
    // The device is lost: the handles are given back all the same, by the members' destructors.
  }
}

bool LibraryOps::provides(std::string_view op, Direction) const {
  if (op == "conv2d")
    cudnn_library();
  else if (op == "linear")
    cublaslt_library();
  else
    return false;
  return true;
}

Conv2dCudnn& LibraryOps::cudnn() {
  if (!cudnn_) cudnn_.emplace(stream().native_handle(), precision_);
  return *cudnn_;
}

LinearCublasLt& LibraryOps::cublaslt() {
  if (!cublaslt_) cublaslt_.emplace(cublaslt_library(), stream().native_handle(), precision_);
  return *cublaslt_;
}

void LibraryOps::run(const char* name, Conv2dPass pass, const Conv2dGeometry& g, const float* first,
                     const float* second, float* result, Workspace workspace) {
  on_device(stream(),
            [&] { Arguments(name, memory()).require_workspace(workspace, cudnn().plan(pass, g).workspace_bytes); });
  enqueue(stream(), name, [&] { cudnn().run(pass, g, first, second, result, workspace.data); });
}

void LibraryOps::run(const char* name, LinearPass pass, const LinearGeometry& g, const float* first,
                     const float* second, float* result, Workspace workspace) {
  enqueue(stream(), name, [&] { cublaslt().run(pass, g, first, second, result, workspace); });
}

std::size_t LibraryOps::conv2d_workspace(Conv2dPass pass, const Conv2dOptions& options, const Shape& x) {
  const Conv2dGeometry g = conv2d_geometry(options, x);
  std::size_t bytes = 0;
  on_device(stream(), [&] { bytes = cudnn().plan(pass, g).workspace_bytes; });
  return bytes;
}

void LibraryOps::conv2d_forward(const Conv2dOptions& options, ConstView x, ConstView w, ConstView bias, View y,
                                Workspace workspace) {
  const Arguments arguments("conv2d_forward", memory());
  const Conv2dGeometry g = checked_geometry(arguments, options, x.shape);
  const float* x_data = arguments.in("x", x, x.shape);
  const float* w_data = arguments.in("w", w, filter_shape(g));
  arguments.optional("bias", bias, {g.K});
  run("cudnn_conv2d_forward", Conv2dPass::forward, g, x_data, w_data, arguments.out("y", y, output_shape(g)),
      workspace);
  if (bias) bias_add(bias, y);
}

void LibraryOps::conv2d_backward_data(const Conv2dOptions& options, ConstView dy, ConstView w, View dx,
                                      Workspace workspace) {
  const Arguments arguments("conv2d_backward_data", memory());
  const Conv2dGeometry g = checked_geometry(arguments, options, dx.shape);
  const float* dy_data = arguments.in("dy", dy, output_shape(g));
  const float* w_data = arguments.in("w", w, filter_shape(g));
  run("cudnn_conv2d_backward_data", Conv2dPass::backward_data, g, dy_data, w_data, arguments.out("dx", dx, dx.shape),
      workspace);
}

void LibraryOps::conv2d_backward_filter(const Conv2dOptions& options, ConstView x, ConstView dy, View dw,
                                        Workspace workspace) {
  const Arguments arguments("conv2d_backward_filter", memory());
  const Conv2dGeometry g = checked_geometry(arguments, options, x.shape);
  const float* x_data = arguments.in("x", x, x.shape);
  const float* dy_data = arguments.in("dy", dy, output_shape(g));
  run("cudnn_conv2d_backward_filter", Conv2dPass::backward_filter, g, x_data, dy_data,
      arguments.out("dw", dw, filter_shape(g)), workspace);
}

std::size_t LibraryOps::linear_workspace(LinearPass pass, const LinearOptions& options, const Shape& x) {
  const LinearGeometry g = linear_geometry(options, x);
  std::size_t bytes = 0;
  on_device(stream(), [&] { bytes = cublaslt().workspace(pass, g); });
  return bytes;
}

void LibraryOps::linear_forward(const LinearOptions& options, ConstView x, ConstView w, ConstView bias, View y,
                                Workspace workspace) {
  const Arguments arguments("linear_forward", memory());
  const LinearGeometry g = arguments.geometry([&] { return linear_geometry(options, x.shape); });
  const float* x_data = arguments.in("x", x, x.shape);
  const float* w_data = arguments.in("w", w, {g.O, g.I});
  arguments.optional("bias", bias, {g.O});
  run("cublaslt_linear_forward", LinearPass::forward, g, x_data, w_data, arguments.out("y", y, {g.N, g.O}), workspace);
  if (bias) bias_add(bias, y);
}

void LibraryOps::linear_backward_data(const LinearOptions& options, ConstView dy, ConstView w, View dx,
                                      Workspace workspace) {
  const Arguments arguments("linear_backward_data", memory());
  const LinearGeometry g = arguments.geometry([&] { return linear_geometry(options, dx.shape); });
  const float* dy_data = arguments.in("dy", dy, {g.N, g.O});
  const float* w_data = arguments.in("w", w, {g.O, g.I});
  run("cublaslt_linear_backward_data", LinearPass::backward_data, g, dy_data, w_data, arguments.out("dx", dx, dx.shape),
      workspace);
}

void LibraryOps::linear_backward_weight(const LinearOptions& options, ConstView x, ConstView dy, View dw,
                                        Workspace workspace) {
  const Arguments arguments("linear_backward_weight", memory());
  const LinearGeometry g = arguments.geometry([&] { return linear_geometry(options, x.shape); });
  const float* x_data = arguments.in("x", x, x.shape);
  const float* dy_data = arguments.in("dy", dy, {g.N, g.O});
  run("cublaslt_linear_backward_weight", LinearPass::backward_weight, g, x_data, dy_data,
      arguments.out("dw", dw, {g.O, g.I}), workspace);
}

}  // namespace fovea::cuda
