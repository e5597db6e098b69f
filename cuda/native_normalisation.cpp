// SPDX-License-Identifier: Apache-2.0
//
// Normalisation.
#include "cuda/native_ops.h"

#include "cuda/arguments.h"
#include "cuda/kernels/kernels.h"

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
                    const View& running_variance, const View& y, const View& mean, const View& inverse_deviation) {
  const BatchNormGeometry g = batch_norm_shapes(arguments, options, x.shape);
  arguments.geometry([&] { require_batch_statistics(g); });
  const Shape channels{g.C};
  arguments.with_storage("x", x, [&]<class T>(std::type_identity<T>) {
    batch_norm_forward(stream, g, relu, arguments.in<T>("x", x, x.shape), arguments.in("weight", weight, channels),
                       arguments.in("bias", bias, channels), arguments.out("running_mean", running_mean, channels),
                       arguments.out("running_variance", running_variance, channels), arguments.out<T>("y", y, x.shape),
                       arguments.out("mean", mean, channels),
                       arguments.out("inverse_deviation", inverse_deviation, channels));
  });
}

void run_batch_norm_inference(Stream& stream, const Arguments& arguments, bool relu, const BatchNormOptions& options,
                              const ConstView& x, const ConstView& weight, const ConstView& bias,
                              const ConstView& running_mean, const ConstView& running_variance, const View& y) {
  const BatchNormGeometry g = batch_norm_shapes(arguments, options, x.shape);
  const Shape channels{g.C};
  arguments.with_storage("x", x, [&]<class T>(std::type_identity<T>) {
    batch_norm_inference(stream, g, relu, arguments.in<T>("x", x, x.shape), arguments.in("weight", weight, channels),
                         arguments.in("bias", bias, channels), arguments.in("running_mean", running_mean, channels),
                         arguments.in("running_variance", running_variance, channels),
                         arguments.out<T>("y", y, x.shape));
  });
}

}  // namespace

void NativeOps::lrn_forward(const LrnOptions& options, ConstView x, View y, View scale) {
  const Arguments arguments("lrn_forward", memory_);
  const LrnGeometry g = lrn_shapes(arguments, options, x.shape);
  arguments.with_storage("x", x, [&]<class T>(std::type_identity<T>) {
    kernels::lrn_forward(stream_, g, arguments.in<T>("x", x, x.shape), arguments.out<T>("y", y, x.shape),
                         arguments.out("scale", scale, x.shape));
  });
}

void NativeOps::lrn_backward(const LrnOptions& options, ConstView x, ConstView y, ConstView scale, ConstView dy,
                             View dx) {
  const Arguments arguments("lrn_backward", memory_);
  const LrnGeometry g = lrn_shapes(arguments, options, x.shape);
  arguments.with_storage("x", x, [&]<class T>(std::type_identity<T>) {
    kernels::lrn_backward(stream_, g, arguments.in<T>("x", x, x.shape), arguments.in<T>("y", y, x.shape),
                          arguments.in("scale", scale, x.shape), arguments.in<T>("dy", dy, x.shape),
                          arguments.out<T>("dx", dx, x.shape));
  });
}

void NativeOps::batch_norm_forward(const BatchNormOptions& options, ConstView x, ConstView weight, ConstView bias,
                                   View running_mean, View running_variance, View y, View mean,
                                   View inverse_deviation) {
  run_batch_norm(stream_, Arguments("batch_norm_forward", memory_), false, options, x, weight, bias, running_mean,
                 running_variance, y, mean, inverse_deviation);
}

void NativeOps::batch_norm_forward_relu(const BatchNormOptions& options, ConstView x, ConstView weight, ConstView bias,
                                        View running_mean, View running_variance, View y, View mean,
                                        View inverse_deviation) {
  run_batch_norm(stream_, Arguments("batch_norm_forward_relu", memory_), true, options, x, weight, bias, running_mean,
                 running_variance, y, mean, inverse_deviation);
}

void NativeOps::batch_norm_backward(const BatchNormOptions& options, ConstView x, ConstView weight, ConstView mean,
                                    ConstView inverse_deviation, ConstView dy, View dx, View dweight, View dbias) {
  const Arguments arguments("batch_norm_backward", memory_);
  const BatchNormGeometry g = batch_norm_shapes(arguments, options, x.shape);
  const Shape channels{g.C};
  arguments.with_storage("x", x, [&]<class T>(std::type_identity<T>) {
    kernels::batch_norm_backward(stream_, g, arguments.in<T>("x", x, x.shape), arguments.in("weight", weight, channels),
                                 arguments.in("mean", mean, channels),
                                 arguments.in("inverse_deviation", inverse_deviation, channels),
                                 arguments.in<T>("dy", dy, x.shape), dx ? arguments.out<T>("dx", dx, x.shape) : nullptr,
                                 arguments.out("dweight", dweight, channels), arguments.out("dbias", dbias, channels));
  });
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
                                              View dweight, View dbias) {
  const Arguments arguments("batch_norm_inference_backward", memory_);
  const BatchNormGeometry g = batch_norm_shapes(arguments, options, x.shape);
  const Shape channels{g.C};
  arguments.with_storage("x", x, [&]<class T>(std::type_identity<T>) {
    kernels::batch_norm_inference_backward(
        stream_, g, arguments.in<T>("x", x, x.shape), arguments.in("weight", weight, channels),
        arguments.in("running_mean", running_mean, channels),
        arguments.in("running_variance", running_variance, channels), arguments.in<T>("dy", dy, x.shape),
        dx ? arguments.out<T>("dx", dx, x.shape) : nullptr, arguments.out("dweight", dweight, channels),
        arguments.out("dbias", dbias, channels));
  });
}

}  // namespace fovea::FOVEA_TARGET
