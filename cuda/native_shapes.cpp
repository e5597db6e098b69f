// SPDX-License-Identifier: Apache-2.0
//
// What moves elements without computing much: concat, pad (both of images as they lie), upsample2d, one_hot.
#include "cuda/native_ops.h"

#include "cuda/arguments.h"
#include "cuda/kernels/kernels.h"

namespace fovea::FOVEA_TARGET {

// Inside the class an operation's name means the member: say kernels:: for the launcher.
namespace kernels = fovea::FOVEA_TARGET;

namespace {

struct ImageShapes {
  Shape x, y;
};

ImageShapes indexable(const Arguments& arguments, const ImageShapes& shapes) {
  arguments.require_indexable("x", shapes.x.elements());
  arguments.require_indexable("y", shapes.y.elements());
  return shapes;
}

ImageShapes shapes_of(const Arguments& arguments, const PadGeometry& g) {
  return indexable(arguments, {{g.N, g.C, g.H, g.W}, {g.N, g.channels, g.rows, g.columns}});
}

// A frame has a side on each of three axes, and the kernel does not care what they are called: in NHWC they are rows,
// columns, channels.
PadGeometry lying_in(Layout layout, const PadGeometry& g) {
  if (layout == Layout::nchw) return g;
  return {.N = g.N,
          .C = g.H,
          .H = g.W,
          .W = g.C,
          .channels = g.rows,
          .rows = g.columns,
          .columns = g.channels,
          .front = g.top,
          .top = g.left,
          .left = g.front};
}

ImageShapes shapes_of(const Arguments& arguments, const Upsample2dGeometry& g) {
  const ImageShapes shapes = indexable(arguments, {{g.N, g.C, g.H, g.W}, {g.N, g.C, g.P, g.Q}});
  // Source coordinates are fractions with numerators up to this.
  arguments.require_indexable("2 * height * output height", 2 * (g.H + 1) * (g.P + 1));
  arguments.require_indexable("2 * width * output width", 2 * (g.W + 1) * (g.Q + 1));
  return shapes;
}

}  // namespace

void NativeOps::concat_forward(const ConcatOptions& options, ConstView x, std::int64_t first, View y) {
  const Arguments arguments("concat_forward", memory_);
  const Layout layout = arguments.image_layout("x", x);
  const ConcatSlice slice = arguments.geometry([&] { return concat_slice(options, x.shape, first, y.shape, layout); });
  arguments.require_indexable("y", y.elements());
  arguments.with_storage("x", x, [&]<class T>(std::type_identity<T>) {
    kernels::concat_forward(stream_, slice, arguments.in<T>("x", x, x.shape, layout),
                            arguments.out<T>("y", y, y.shape, layout));
  });
}

void NativeOps::concat_backward(const ConcatOptions& options, ConstView dy, std::int64_t first, View dx) {
  const Arguments arguments("concat_backward", memory_);
  const Layout layout = arguments.image_layout("dx", dx);
  const ConcatSlice slice =
      arguments.geometry([&] { return concat_slice(options, dx.shape, first, dy.shape, layout); });
  arguments.require_indexable("dy", dy.elements());
  arguments.with_storage("dx", dx, [&]<class T>(std::type_identity<T>) {
    kernels::concat_backward(stream_, slice, arguments.in<T>("dy", dy, dy.shape, layout),
                             arguments.out<T>("dx", dx, dx.shape, layout));
  });
}

void NativeOps::pad_forward(const PadOptions& options, ConstView x, View y) {
  const Arguments arguments("pad_forward", memory_);
  const PadGeometry g = arguments.geometry([&] { return pad_geometry(options, x.shape); });
  const ImageShapes shapes = shapes_of(arguments, g);
  const Layout layout = arguments.image_layout("x", x);
  arguments.with_storage("x", x, [&]<class T>(std::type_identity<T>) {
    kernels::pad_forward(stream_, lying_in(layout, g), static_cast<float>(options.value),
                         arguments.in<T>("x", x, shapes.x, layout), arguments.out<T>("y", y, shapes.y, layout));
  });
}

void NativeOps::pad_backward(const PadOptions& options, ConstView dy, View dx) {
  const Arguments arguments("pad_backward", memory_);
  const PadGeometry g = arguments.geometry([&] { return pad_geometry(options, dx.shape); });
  const ImageShapes shapes = shapes_of(arguments, g);
  const Layout layout = arguments.image_layout("dx", dx);
  arguments.with_storage("dx", dx, [&]<class T>(std::type_identity<T>) {
    kernels::pad_backward(stream_, lying_in(layout, g), arguments.in<T>("dy", dy, shapes.y, layout),
                          arguments.out<T>("dx", dx, shapes.x, layout));
  });
}

void NativeOps::upsample2d_forward(const Upsample2dOptions& options, ConstView x, View y) {
  const Arguments arguments("upsample2d_forward", memory_);
  const Upsample2dGeometry g = arguments.geometry([&] { return upsample2d_geometry(options, x.shape); });
  const ImageShapes shapes = shapes_of(arguments, g);
  arguments.with_storage("x", x, [&]<class T>(std::type_identity<T>) {
    kernels::upsample2d_forward(stream_, g, arguments.in<T>("x", x, shapes.x), arguments.out<T>("y", y, shapes.y));
  });
}

void NativeOps::upsample2d_backward(const Upsample2dOptions& options, ConstView dy, View dx) {
  const Arguments arguments("upsample2d_backward", memory_);
  const Upsample2dGeometry g = arguments.geometry([&] { return upsample2d_geometry(options, dx.shape); });
  const ImageShapes shapes = shapes_of(arguments, g);
  arguments.with_storage("dx", dx, [&]<class T>(std::type_identity<T>) {
    kernels::upsample2d_backward(stream_, g, arguments.in<T>("dy", dy, shapes.y), arguments.out<T>("dx", dx, shapes.x));
  });
}

void NativeOps::one_hot_forward(const OneHotOptions& options, ConstView labels, View y) {
  const Arguments arguments("one_hot_forward", memory_);
  arguments.require_rank("y", y, 2, 2);
  const std::int64_t N = y.shape[0], C = options.classes;
  arguments.require_indexable("y", y.elements());
  arguments.with_storage("y", y, [&]<class T>(std::type_identity<T>) {
    T* y_data = arguments.out<T>("y", y, {N, C});
    kernels::one_hot_forward(stream_, N, C, static_cast<float>(options.on), static_cast<float>(options.off),
                             arguments.in<std::int32_t>("labels", labels, {N}), y_data);
  });
}

}  // namespace fovea::FOVEA_TARGET
