// SPDX-License-Identifier: Apache-2.0
//
// What the arguments of a convolution must look like, and what kernels take of them.
#pragma once
#include "core/ops/conv2d.h"
#include "cuda/arguments.h"

namespace fovea::FOVEA_TARGET {

struct Conv2dShapes {
  Conv2dGeometry g;
  Shape x, w, bias, y;
};

// Throws InputError, too, where a kernel could not index something with 32 bits.
Conv2dShapes conv2d_shapes(const Arguments& arguments, const Conv2dOptions& options, const Shape& x);

// What a call was given, checked: tensors of these shapes, images in one layout.
template <class T>
struct Conv2dForwardData {
  const T *x, *w;
  const float* bias;  // null where there is none
  T* y;

  Conv2dForwardData(const Arguments& arguments, const Conv2dShapes& shapes, Layout images, const ConstView& x_,
                    const ConstView& w_, const ConstView& bias_, const View& y_)
      : x(arguments.in<T>("x", x_, shapes.x, images)),
        w(arguments.in<T>("w", w_, shapes.w)),
        bias(arguments.optional("bias", bias_, shapes.bias)),
        y(arguments.out<T>("y", y_, shapes.y, images)) {}
};
// `gate_`: what the ReLU before it left, or null.
template <class T>
struct Conv2dBackwardDataData {
  const T *gate, *dy, *w;
  T* dx;

  Conv2dBackwardDataData(const Arguments& arguments, const Conv2dShapes& shapes, Layout images, const ConstView* gate_,
                         const ConstView& dy_, const ConstView& w_, const View& dx_)
      : gate(arguments.gate<T>(gate_, shapes.x, images)),
        dy(arguments.in<T>("dy", dy_, shapes.y, images)),
        w(arguments.in<T>("w", w_, shapes.w)),
        dx(arguments.out<T>("dx", dx_, shapes.x, images)) {}
};
template <class T>
struct Conv2dBackwardFilterData {
  const T *x, *dy;
  float* dw;

  Conv2dBackwardFilterData(const Arguments& arguments, const Conv2dShapes& shapes, Layout images, const ConstView& x_,
                           const ConstView& dy_, const View& dw_)
      : x(arguments.in<T>("x", x_, shapes.x, images)),
        dy(arguments.in<T>("dy", dy_, shapes.y, images)),
        dw(arguments.out("dw", dw_, shapes.w)) {}
};

}  // namespace fovea::FOVEA_TARGET
