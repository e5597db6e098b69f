// SPDX-License-Identifier: Apache-2.0
//
// Normalisation, of images in NCHW or in NHWC.
#include "cuda/native_ops.h"

#include "cuda/arguments.h"
#include "cuda/kernels/kernels_nhwc.h"

namespace fovea::FOVEA_TARGET {

// Inside the class an operation's name means the member: say kernels:: for the launcher.
namespace kernels = fovea::FOVEA_TARGET;

namespace {

LrnGeometry lrn_shapes(const Arguments& arguments, const LrnOptions& options, const Shape& x) {
  const LrnGeometry g = arguments.geometry([&] { return lrn_geometry(options, x); });
  arguments.require_indexable("x", x.elements());
  arguments.require_indexable("size", x.elements() + options.size);  // coordinates reach beyond the edge
  return g;
}

BatchNormGeometry batch_norm_shapes(const Arguments& arguments, const BatchNormOptions& options, const Shape& x) {
  const BatchNormGeometry g = arguments.geometry([&] { return batch_norm_geometry(options, x); });
  arguments.require_indexable("x", x.elements());
  return g;
}

// With or without a ReLU at the end.
void run_batch_norm(Stream& stream, const Arguments& arguments, bool relu, const BatchNormOptions& options,
                    const ConstView& x, const ConstView& weight, const ConstView& bias, const View& running_mean,
                    const View& running_variance, const View& y, const View& mean, const View& inverse_deviation,
                    const Workspace& workspace) {
  const BatchNormGeometry g = batch_norm_shapes(arguments, options, x.shape);
  arguments.geometry([&] { require_batch_statistics(g); });
  const Shape channels{g.C};
  const Layout layout = arguments.image_layout("x", x);
  if (layout == Layout::nhwc) arguments.require_workspace(workspace, batch_norm_nhwc_workspace(g.values(), g.C));
  arguments.with_storage("x", x, [&]<class T>(std::type_identity<T>) {
    const auto run = [&](auto&& forward, auto... sums) {
      forward(stream, g, relu, arguments.in<T>("x", x, x.shape, layout), arguments.in("weight", weight, channels),
              arguments.in("bias", bias, channels), arguments.out("running_mean", running_mean, channels),
              arguments.out("running_variance", running_variance, channels), arguments.out<T>("y", y, x.shape, layout),
              arguments.out("mean", mean, channels), arguments.out("inverse_deviation", inverse_deviation, channels),
              sums...);
    };
    if (layout == Layout::nhwc)
      run(batch_norm_nhwc_forward<T>, static_cast<float*>(workspace.data));
    else
      run(batch_norm_forward<T>);
  });
}

// With statistics of the batch, or with constant ones where `frozen`; `spread` is inverse deviations or variances then.
template <bool frozen>
void run_batch_norm_backward(Stream& stream, const Arguments& arguments, const BatchNormOptions& options,
                             const ConstView& x, const ConstView& weight, const ConstView& mean,
                             const ConstView& spread, const ConstView& dy, const View& dx, const View& dweight,
                             const View& dbias, const Workspace& workspace) {
  const BatchNormGeometry g = batch_norm_shapes(arguments, options, x.shape);
  const Shape channels{g.C};
  const Layout layout = arguments.image_layout("x", x);
  if (layout == Layout::nhwc) arguments.require_workspace(workspace, batch_norm_nhwc_workspace(g.values(), g.C));
  arguments.with_storage("x", x, [&]<class T>(std::type_identity<T>) {
    const auto run = [&](auto&& backward, auto... sums) {
      backward(stream, g, arguments.in<T>("x", x, x.shape, layout), arguments.in("weight", weight, channels),
               arguments.in(frozen ? "running_mean" : "mean", mean, channels),
               arguments.in(frozen ? "running_variance" : "inverse_deviation", spread, channels),
               arguments.in<T>("dy", dy, x.shape, layout), dx ? arguments.out<T>("dx", dx, x.shape, layout) : nullptr,
               arguments.out("dweight", dweight, channels), arguments.out("dbias", dbias, channels), sums...);
    };
    if (layout == Layout::nhwc)
      run(batch_norm_nhwc_backward<T, frozen>, static_cast<float*>(workspace.data));
    else
      run(frozen ? batch_norm_inference_backward<T> : batch_norm_backward<T>);
  });
}

void run_batch_norm_inference(Stream& stream, const Arguments& arguments, bool relu, const BatchNormOptions& options,
                              const ConstView& x, const ConstView& weight, const ConstView& bias,
                              const ConstView& running_mean, const ConstView& running_variance, const View& y) {
  const BatchNormGeometry g = batch_norm_shapes(arguments, options, x.shape);
  const Shape channels{g.C};
  const Layout layout = arguments.image_layout("x", x);
  arguments.with_storage("x", x, [&]<class T>(std::type_identity<T>) {
    const auto inference = layout == Layout::nhwc ? batch_norm_nhwc_inference<T> : batch_norm_inference<T>;
    inference(stream, g, relu, arguments.in<T>("x", x, x.shape, layout), arguments.in("weight", weight, channels),
              arguments.in("bias", bias, channels), arguments.in("running_mean", running_mean, channels),
              arguments.in("running_variance", running_variance, channels), arguments.out<T>("y", y, x.shape, layout));
  });
}

}  // namespace

void NativeOps::lrn_forward(const LrnOptions& options, ConstView x, View y, View scale) {
  const Arguments arguments("lrn_forward", memory_);
  const LrnGeometry g = lrn_shapes(arguments, options, x.shape);
  const Layout layout = arguments.image_layout("x", x);
  arguments.with_storage("x", x, [&]<class T>(std::type_identity<T>) {
    const auto forward = layout == Layout::nhwc ? lrn_nhwc_forward<T> : kernels::lrn_forward<T>;
    forward(stream_, g, arguments.in<T>("x", x, x.shape, layout), arguments.out<T>("y", y, x.shape, layout),
            arguments.out("scale", scale, x.shape, layout));
  });
}

void NativeOps::lrn_backward(const LrnOptions& options, ConstView x, ConstView y, ConstView scale, ConstView dy,
                             View dx) {
  const Arguments arguments("lrn_backward", memory_);
  const LrnGeometry g = lrn_shapes(arguments, options, x.shape);
  const Layout layout = arguments.image_layout("x", x);
  arguments.with_storage("x", x, [&]<class T>(std::type_identity<T>) {
    const auto backward = layout == Layout::nhwc ? lrn_nhwc_backward<T> : kernels::lrn_backward<T>;
    backward(stream_, g, arguments.in<T>("x", x, x.shape, layout), arguments.in<T>("y", y, x.shape, layout),
             arguments.in("scale", scale, x.shape, layout), arguments.in<T>("dy", dy, x.shape, layout),
             arguments.out<T>("dx", dx, x.shape, layout));
  });
}

std::size_t NativeOps::batch_norm_workspace(const Shape& x, Layout layout) {
  return layout == Layout::nhwc && x[1] > 0 ? batch_norm_nhwc_workspace(x.elements() / x[1], x[1]) : 0;
}

void NativeOps::batch_norm_forward(const BatchNormOptions& options, ConstView x, ConstView weight, ConstView bias,
                                   View running_mean, View running_variance, View y, View mean, View inverse_deviation,
                                   Workspace workspace) {
  run_batch_norm(stream_, Arguments("batch_norm_forward", memory_), false, options, x, weight, bias, running_mean,
                 running_variance, y, mean, inverse_deviation, workspace);
}

void NativeOps::batch_norm_forward_relu(const BatchNormOptions& options, ConstView x, ConstView weight, ConstView bias,
                                        View running_mean, View running_variance, View y, View mean,
                                        View inverse_deviation, Workspace workspace) {
  run_batch_norm(stream_, Arguments("batch_norm_forward_relu", memory_), true, options, x, weight, bias, running_mean,
                 running_variance, y, mean, inverse_deviation, workspace);
}

void NativeOps::batch_norm_backward(const BatchNormOptions& options, ConstView x, ConstView weight, ConstView mean,
                                    ConstView inverse_deviation, ConstView dy, View dx, View dweight, View dbias,
                                    Workspace workspace) {
  run_batch_norm_backward<false>(stream_, Arguments("batch_norm_backward", memory_), options, x, weight, mean,
                                 inverse_deviation, dy, dx, dweight, dbias, workspace);
}

void NativeOps::batch_norm_inference(const BatchNormOptions& options, ConstView x, ConstView weight, ConstView bias,
                                     ConstView running_mean, ConstView running_variance, View y) {
  run_batch_norm_inference(stream_, Arguments("batch_norm_inference", memory_), false, options, x, weight, bias,
                           running_mean, running_variance, y);
}

void NativeOps::batch_norm_inference_relu(const BatchNormOptions& options, ConstView x, ConstView weight,
                                          ConstView bias, ConstView running_mean, ConstView running_variance, View y) {
  run_batch_norm_inference(stream_, Arguments("batch_norm_inference_relu", memory_), true, options, x, weight, bias,
                           running_mean, running_variance, y);
}

void NativeOps::batch_norm_inference_backward(const BatchNormOptions& options, ConstView x, ConstView weight,
                                              ConstView running_mean, ConstView running_variance, ConstView dy, View dx,
                                              View dweight, View dbias, Workspace workspace) {
  run_batch_norm_backward<true>(stream_, Arguments("batch_norm_inference_backward", memory_), options, x, weight,
                                running_mean, running_variance, dy, dx, dweight, dbias, workspace);
}

}  // namespace fovea::FOVEA_TARGET
