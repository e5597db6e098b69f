// SPDX-License-Identifier: Apache-2.0
//
// What works element by element.
#include "cuda/native_ops.h"

#include "cuda/arguments.h"
#include "cuda/kernels/kernels.h"

namespace fovea::FOVEA_TARGET {

// Inside the class an operation's name means the member: say kernels:: for the launcher.
namespace kernels = fovea::FOVEA_TARGET;

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

void NativeOps::multiply_forward(ConstView a, ConstView b, View y) {
  const Arguments arguments("multiply_forward", memory_);
  kernels::multiply_forward(stream_, a.elements(), arguments.in("a", a, a.shape), arguments.in("b", b, a.shape),
                            arguments.out("y", y, a.shape));
}

void NativeOps::multiply_backward(ConstView other, ConstView dy, View dx) {
  const Arguments arguments("multiply_backward", memory_);
  kernels::multiply_backward(stream_, other.elements(), arguments.in("other", other, other.shape),
                             arguments.in("dy", dy, other.shape), arguments.out("dx", dx, other.shape));
}

}  // namespace fovea::FOVEA_TARGET
