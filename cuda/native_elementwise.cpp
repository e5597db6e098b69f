// SPDX-License-Identifier: Apache-2.0
//
// What works element by element, on tensors of any axes, and on images as they lie as long as all of a call lie alike.
#include "cuda/native_ops.h"

#include "cuda/arguments.h"
#include "cuda/kernels/kernels.h"

namespace fovea::FOVEA_TARGET {

// Inside the class an operation's name means the member: say kernels:: for the launcher.
namespace kernels = fovea::FOVEA_TARGET;

namespace {

// With or without a ReLU at the end.
void run_add(Stream& stream, const Arguments& arguments, bool relu, const ConstView& a, const ConstView& b,
             const View& y) {
  const Layout layout = arguments.image_layout("a", a);
  arguments.with_storage("a", a, [&]<class T>(std::type_identity<T>) {
    add_forward(stream, a.elements(), relu, arguments.in<T>("a", a, a.shape, layout),
                arguments.in<T>("b", b, a.shape, layout), arguments.out<T>("y", y, a.shape, layout));
  });
}

}  // namespace

void NativeOps::relu_forward(ConstView x, View y) {
  const Arguments arguments("relu_forward", memory_);
  const Layout layout = arguments.image_layout("x", x);
  arguments.with_storage("x", x, [&]<class T>(std::type_identity<T>) {
    kernels::relu_forward(stream_, x.elements(), arguments.in<T>("x", x, x.shape, layout),
                          arguments.out<T>("y", y, x.shape, layout));
  });
}

void NativeOps::relu_backward(ConstView y, ConstView dy, View dx) {
  const Arguments arguments("relu_backward", memory_);
  const Layout layout = arguments.image_layout("y", y);
  arguments.with_storage("y", y, [&]<class T>(std::type_identity<T>) {
    kernels::relu_backward(stream_, y.elements(), arguments.in<T>("y", y, y.shape, layout),
                           arguments.in<T>("dy", dy, y.shape, layout), arguments.out<T>("dx", dx, y.shape, layout));
  });
}

void NativeOps::tanh_forward(ConstView x, View y) {
  const Arguments arguments("tanh_forward", memory_);
  const Layout layout = arguments.image_layout("x", x);
  arguments.with_storage("x", x, [&]<class T>(std::type_identity<T>) {
    kernels::tanh_forward(stream_, x.elements(), arguments.in<T>("x", x, x.shape, layout),
                          arguments.out<T>("y", y, x.shape, layout));
  });
}

void NativeOps::tanh_backward(ConstView y, ConstView dy, View dx) {
  const Arguments arguments("tanh_backward", memory_);
  const Layout layout = arguments.image_layout("y", y);
  arguments.with_storage("y", y, [&]<class T>(std::type_identity<T>) {
    kernels::tanh_backward(stream_, y.elements(), arguments.in<T>("y", y, y.shape, layout),
                           arguments.in<T>("dy", dy, y.shape, layout), arguments.out<T>("dx", dx, y.shape, layout));
  });
}

void NativeOps::add_forward(ConstView a, ConstView b, View y) {
  run_add(stream_, Arguments("add_forward", memory_), false, a, b, y);
}

void NativeOps::add_forward_relu(ConstView a, ConstView b, View y) {
  run_add(stream_, Arguments("add_forward_relu", memory_), true, a, b, y);
}

void NativeOps::add_backward(ConstView dy, View dx) {
  const Arguments arguments("add_backward", memory_);
  const Layout layout = arguments.image_layout("dy", dy);
  arguments.with_storage("dy", dy, [&]<class T>(std::type_identity<T>) {
    kernels::add_backward(stream_, dy.elements(), arguments.in<T>("dy", dy, dy.shape, layout),
                          arguments.out<T>("dx", dx, dy.shape, layout));
  });
}

void NativeOps::cast(ConstView x, View y) {
  const Arguments arguments("cast", memory_);
  arguments.with_storage("x", x, [&]<class From>(std::type_identity<From>) {
    arguments.with_storage("y", y, [&]<class To>(std::type_identity<To>) {
      kernels::cast(stream_, x.elements(), arguments.in<From>("x", x, x.shape), arguments.out<To>("y", y, x.shape));
    });
  });
}

void NativeOps::multiply_forward(ConstView a, ConstView b, View y) {
  const Arguments arguments("multiply_forward", memory_);
  const Layout layout = arguments.image_layout("a", a);
  arguments.with_storage("a", a, [&]<class T>(std::type_identity<T>) {
    kernels::multiply_forward(stream_, a.elements(), arguments.in<T>("a", a, a.shape, layout),
                              arguments.in<T>("b", b, a.shape, layout), arguments.out<T>("y", y, a.shape, layout));
  });
}

void NativeOps::multiply_backward(ConstView other, ConstView dy, View dx) {
  const Arguments arguments("multiply_backward", memory_);
  const Layout layout = arguments.image_layout("other", other);
  arguments.with_storage("other", other, [&]<class T>(std::type_identity<T>) {
    kernels::multiply_backward(stream_, other.elements(), arguments.in<T>("other", other, other.shape, layout),
                               arguments.in<T>("dy", dy, other.shape, layout),
                               arguments.out<T>("dx", dx, other.shape, layout));
  });
}

}  // namespace fovea::FOVEA_TARGET
