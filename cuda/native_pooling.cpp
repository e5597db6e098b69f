// SPDX-License-Identifier: Apache-2.0
//
// Pooling, of images in NCHW or in NHWC.
#include "cuda/native_ops.h"

#include "cuda/arguments.h"
#include "cuda/kernels/kernels_nhwc.h"

namespace fovea::FOVEA_TARGET {

// Inside the class an operation's name means the member: say kernels:: for the launcher.
namespace kernels = fovea::FOVEA_TARGET;

namespace {

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

// With the backward of the ReLU that left `x`, where there is one, as the two forms below.
void run_max_pool2d_backward(Stream& stream, const Arguments& arguments, const MaxPool2dOptions& options,
                             const ConstView* x, const ConstView& dy, const ConstView& index, const View& dx) {
  const Pool2dShapes shapes =
      pool2d_shapes(arguments, arguments.geometry([&] { return max_pool2d_geometry(options, dx.shape); }));
  const DType index_dtype = arguments.geometry([&] { return max_pool2d_index_dtype(options); });
  const Layout layout = arguments.image_layout("dx", dx);
  arguments.with_storage("dx", dx, [&]<class T>(std::type_identity<T>) {
    const auto run = [&]<class Index>(std::type_identity<Index>) {
      const auto backward = layout == Layout::nhwc ? max_pool2d_nhwc_backward<T, Index> : max_pool2d_backward<T, Index>;
      backward(stream, shapes.g, arguments.gate<T>(x, shapes.x, layout), arguments.in<T>("dy", dy, shapes.y, layout),
               arguments.in<Index>("index", index, shapes.y, layout), arguments.out<T>("dx", dx, shapes.x, layout));
    };
    index_dtype == DType::u8 ? run(std::type_identity<std::uint8_t>{}) : run(std::type_identity<std::uint16_t>{});
  });
}

void run_avg_pool2d_backward(Stream& stream, const Arguments& arguments, const AvgPool2dOptions& options,
                             const ConstView* x, const ConstView& dy, const View& dx) {
  const Pool2dShapes shapes =
      pool2d_shapes(arguments, arguments.geometry([&] { return avg_pool2d_geometry(options, dx.shape); }));
  const Layout layout = arguments.image_layout("dx", dx);
  arguments.with_storage("dx", dx, [&]<class T>(std::type_identity<T>) {
    const auto backward = layout == Layout::nhwc ? avg_pool2d_nhwc_backward<T> : avg_pool2d_backward<T>;
    backward(stream, shapes.g, options.count_include_pad, options.sum, arguments.gate<T>(x, shapes.x, layout),
             arguments.in<T>("dy", dy, shapes.y, layout), arguments.out<T>("dx", dx, shapes.x, layout));
  });
}

struct AdaptiveShapes {
  AdaptivePool2dGeometry g;
  Shape x, y;
};

AdaptiveShapes adaptive_shapes(const Arguments& arguments, const AdaptivePool2dOptions& options, const Shape& x) {
  const AdaptivePool2dGeometry g = arguments.geometry([&] { return adaptive_pool2d_geometry(options, x); });
  AdaptiveShapes shapes{g, {g.N, g.C, g.H, g.W}, {g.N, g.C, g.P, g.Q}};
  arguments.require_indexable("x", shapes.x.elements());
  arguments.require_indexable("y", shapes.y.elements());
  // The borders of windows are products of both extents.
  arguments.require_indexable("input times output rows", (g.H + 1) * (g.P + 1));
  arguments.require_indexable("input times output columns", (g.W + 1) * (g.Q + 1));
  return shapes;
}

}  // namespace

void NativeOps::max_pool2d_forward(const MaxPool2dOptions& options, ConstView x, View y, View index) {
  const Arguments arguments("max_pool2d_forward", memory_);
  const Pool2dShapes shapes =
      pool2d_shapes(arguments, arguments.geometry([&] { return max_pool2d_geometry(options, x.shape); }));
  const DType index_dtype = arguments.geometry([&] { return max_pool2d_index_dtype(options); });
  const Layout layout = arguments.image_layout("x", x);
  arguments.with_storage("x", x, [&]<class T>(std::type_identity<T>) {
    const auto run = [&]<class Index>(std::type_identity<Index>) {
      const auto forward =
          layout == Layout::nhwc ? max_pool2d_nhwc_forward<T, Index> : kernels::max_pool2d_forward<T, Index>;
      forward(stream_, shapes.g, options.minimum, arguments.in<T>("x", x, shapes.x, layout),
              arguments.out<T>("y", y, shapes.y, layout), arguments.out<Index>("index", index, shapes.y, layout));
    };
    index_dtype == DType::u8 ? run(std::type_identity<std::uint8_t>{}) : run(std::type_identity<std::uint16_t>{});
  });
}

void NativeOps::max_pool2d_backward(const MaxPool2dOptions& options, ConstView dy, ConstView index, View dx) {
  run_max_pool2d_backward(stream_, Arguments("max_pool2d_backward", memory_), options, nullptr, dy, index, dx);
}

void NativeOps::max_pool2d_backward_relu(const MaxPool2dOptions& options, ConstView x, ConstView dy, ConstView index,
                                         View dx) {
  run_max_pool2d_backward(stream_, Arguments("max_pool2d_backward_relu", memory_), options, &x, dy, index, dx);
}

void NativeOps::avg_pool2d_forward(const AvgPool2dOptions& options, ConstView x, View y) {
  const Arguments arguments("avg_pool2d_forward", memory_);
  const Pool2dShapes shapes =
      pool2d_shapes(arguments, arguments.geometry([&] { return avg_pool2d_geometry(options, x.shape); }));
  const Layout layout = arguments.image_layout("x", x);
  arguments.with_storage("x", x, [&]<class T>(std::type_identity<T>) {
    const auto forward = layout == Layout::nhwc ? avg_pool2d_nhwc_forward<T> : kernels::avg_pool2d_forward<T>;
    forward(stream_, shapes.g, options.count_include_pad, options.sum, arguments.in<T>("x", x, shapes.x, layout),
            arguments.out<T>("y", y, shapes.y, layout));
  });
}

void NativeOps::avg_pool2d_backward(const AvgPool2dOptions& options, ConstView dy, View dx) {
  run_avg_pool2d_backward(stream_, Arguments("avg_pool2d_backward", memory_), options, nullptr, dy, dx);
}

void NativeOps::avg_pool2d_backward_relu(const AvgPool2dOptions& options, ConstView x, ConstView dy, View dx) {
  run_avg_pool2d_backward(stream_, Arguments("avg_pool2d_backward_relu", memory_), options, &x, dy, dx);
}

void NativeOps::adaptive_avg_pool2d_forward(const AdaptivePool2dOptions& options, ConstView x, View y) {
  const Arguments arguments("adaptive_avg_pool2d_forward", memory_);
  const AdaptiveShapes shapes = adaptive_shapes(arguments, options, x.shape);
  const Layout layout = arguments.image_layout("x", x);
  arguments.with_storage("x", x, [&]<class T>(std::type_identity<T>) {
    const auto forward =
        layout == Layout::nhwc ? adaptive_avg_pool2d_nhwc_forward<T> : kernels::adaptive_avg_pool2d_forward<T>;
    forward(stream_, shapes.g, arguments.in<T>("x", x, shapes.x, layout), arguments.out<T>("y", y, shapes.y, layout));
  });
}

void NativeOps::adaptive_avg_pool2d_backward(const AdaptivePool2dOptions& options, ConstView dy, View dx) {
  const Arguments arguments("adaptive_avg_pool2d_backward", memory_);
  const AdaptiveShapes shapes = adaptive_shapes(arguments, options, dx.shape);
  const Layout layout = arguments.image_layout("dx", dx);
  arguments.with_storage("dx", dx, [&]<class T>(std::type_identity<T>) {
    const auto backward =
        layout == Layout::nhwc ? adaptive_avg_pool2d_nhwc_backward<T> : kernels::adaptive_avg_pool2d_backward<T>;
    backward(stream_, shapes.g, arguments.in<T>("dy", dy, shapes.y, layout),
             arguments.out<T>("dx", dx, shapes.x, layout));
  });
}

void NativeOps::adaptive_max_pool2d_forward(const AdaptivePool2dOptions& options, ConstView x, View y, View index) {
  const Arguments arguments("adaptive_max_pool2d_forward", memory_);
  const AdaptiveShapes shapes = adaptive_shapes(arguments, options, x.shape);
  const Layout layout = arguments.image_layout("x", x);
  arguments.with_storage("x", x, [&]<class T>(std::type_identity<T>) {
    const auto forward =
        layout == Layout::nhwc ? adaptive_max_pool2d_nhwc_forward<T> : kernels::adaptive_max_pool2d_forward<T>;
    forward(stream_, shapes.g, arguments.in<T>("x", x, shapes.x, layout), arguments.out<T>("y", y, shapes.y, layout),
            arguments.out<std::int32_t>("index", index, shapes.y, layout));
  });
}

void NativeOps::adaptive_max_pool2d_backward(const AdaptivePool2dOptions& options, ConstView dy, ConstView index,
                                             View dx) {
  const Arguments arguments("adaptive_max_pool2d_backward", memory_);
  const AdaptiveShapes shapes = adaptive_shapes(arguments, options, dx.shape);
  const Layout layout = arguments.image_layout("dx", dx);
  arguments.with_storage("dx", dx, [&]<class T>(std::type_identity<T>) {
    const auto backward =
        layout == Layout::nhwc ? adaptive_max_pool2d_nhwc_backward<T> : kernels::adaptive_max_pool2d_backward<T>;
    backward(stream_, shapes.g, arguments.in<T>("dy", dy, shapes.y, layout),
             arguments.in<std::int32_t>("index", index, shapes.y, layout),
             arguments.out<T>("dx", dx, shapes.x, layout));
  });
}

}  // namespace fovea::FOVEA_TARGET
