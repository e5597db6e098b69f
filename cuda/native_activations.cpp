// SPDX-License-Identifier: Apache-2.0
//
// Activations and dropout.
#include "cuda/native_ops.h"

#include "cuda/arguments.h"
#include "cuda/kernels/kernels_nhwc.h"

namespace fovea::FOVEA_TARGET {

// Inside the class an operation's name means the member: say kernels:: for the launcher.
namespace kernels = fovea::FOVEA_TARGET;

void NativeOps::activation_forward(const ActivationOptions& options, ConstView x, View y) {
  const Arguments arguments("activation_forward", memory_);
  const Layout layout = arguments.image_layout("x", x);
  arguments.with_storage("x", x, [&]<class T>(std::type_identity<T>) {
    kernels::activation_forward(stream_, options, x.elements(), arguments.in<T>("x", x, x.shape, layout),
                                arguments.out<T>("y", y, x.shape, layout));
  });
}

void NativeOps::activation_backward(const ActivationOptions& options, ConstView x, ConstView dy, View dx) {
  const Arguments arguments("activation_backward", memory_);
  const Layout layout = arguments.image_layout("x", x);
  arguments.with_storage("x", x, [&]<class T>(std::type_identity<T>) {
    kernels::activation_backward(stream_, options, x.elements(), arguments.in<T>("x", x, x.shape, layout),
                                 arguments.in<T>("dy", dy, x.shape, layout),
                                 arguments.out<T>("dx", dx, x.shape, layout));
  });
}

void NativeOps::prelu_forward(ConstView x, ConstView slope, View y) {
  const Arguments arguments("prelu_forward", memory_);
  const PreluGeometry g = arguments.geometry([&] { return prelu_geometry(x.shape, slope.shape); });
  arguments.require_indexable("x", x.elements());
  arguments.with_storage("x", x, [&]<class T>(std::type_identity<T>) {
    kernels::prelu_forward(stream_, g, arguments.in<T>("x", x, x.shape), arguments.in("slope", slope, {g.slopes}),
                           arguments.out<T>("y", y, x.shape));
  });
}

void NativeOps::prelu_backward_data(ConstView x, ConstView slope, ConstView dy, View dx) {
  const Arguments arguments("prelu_backward_data", memory_);
  const PreluGeometry g = arguments.geometry([&] { return prelu_geometry(x.shape, slope.shape); });
  arguments.require_indexable("x", x.elements());
  arguments.with_storage("x", x, [&]<class T>(std::type_identity<T>) {
    kernels::prelu_backward_data(stream_, g, arguments.in<T>("x", x, x.shape), arguments.in("slope", slope, {g.slopes}),
                                 arguments.in<T>("dy", dy, x.shape), arguments.out<T>("dx", dx, x.shape));
  });
}

std::size_t NativeOps::prelu_workspace(const Shape& x) {
  const Arguments arguments("prelu_workspace", memory_);
  const PreluGeometry g = arguments.geometry([&] { return prelu_geometry(x, {1}); });
  return static_cast<std::size_t>(g.N * g.C) * sizeof(float);  // a partial sum for each plane
}

void NativeOps::prelu_backward_slope(ConstView x, ConstView dy, View dslope, Workspace workspace) {
  const Arguments arguments("prelu_backward_slope", memory_);
  const PreluGeometry g = arguments.geometry([&] { return prelu_geometry(x.shape, dslope.shape); });
  arguments.require_workspace(workspace, prelu_workspace(x.shape));
  arguments.with_storage("x", x, [&]<class T>(std::type_identity<T>) {
    kernels::prelu_backward_slope(stream_, g, arguments.in<T>("x", x, x.shape), arguments.in<T>("dy", dy, x.shape),
                                  arguments.out("dslope", dslope, {g.slopes}), static_cast<float*>(workspace.data));
  });
}

void NativeOps::dropout_forward(const DropoutOptions& options, RandomKey key, ConstView x, View y) {
  const Arguments arguments("dropout_forward", memory_);
  if (key.step_in_memory) arguments.in<std::int64_t>("step", key.step_in_memory, {1});
  arguments.geometry([&] { return dropout_scale(options); });
  const Layout layout = arguments.image_layout("x", x);
  arguments.with_storage("x", x, [&]<class T>(std::type_identity<T>) {
    const T* x_data = arguments.in<T>("x", x, x.shape, layout);
    T* y_data = arguments.out<T>("y", y, x.shape, layout);
    if (same_bytes(x.shape, layout, Layout::nchw))
      return kernels::dropout_forward(stream_, options, key, x.elements(), x_data, y_data);
    arguments.require_indexable("x", x.elements());
    dropout_nhwc_forward(stream_, options, key, x.shape[0], x.shape[1], x.shape[2] * x.shape[3], x_data, y_data);
  });
}

void NativeOps::dropout_backward(const DropoutOptions& options, RandomKey key, ConstView dy, View dx) {
  const Arguments arguments("dropout_backward", memory_);
  if (key.step_in_memory) arguments.in<std::int64_t>("step", key.step_in_memory, {1});
  arguments.geometry([&] { return dropout_scale(options); });
  const Layout layout = arguments.image_layout("dy", dy);
  arguments.with_storage("dy", dy, [&]<class T>(std::type_identity<T>) {
    const T* dy_data = arguments.in<T>("dy", dy, dy.shape, layout);
    T* dx_data = arguments.out<T>("dx", dx, dy.shape, layout);
    if (same_bytes(dy.shape, layout, Layout::nchw))
      return kernels::dropout_backward(stream_, options, key, dy.elements(), dy_data, dx_data);
    arguments.require_indexable("dy", dy.elements());
    dropout_nhwc_backward(stream_, options, key, dy.shape[0], dy.shape[1], dy.shape[2] * dy.shape[3], dy_data, dx_data);
  });
}

}  // namespace fovea::FOVEA_TARGET
