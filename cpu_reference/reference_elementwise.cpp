// SPDX-License-Identifier: Apache-2.0
//
// What works element by element.
#include "cpu_reference/reference_ops.h"

#include "cpu_reference/add.h"
#include "cpu_reference/cast.h"
#include "cpu_reference/dispatch.h"
#include "cpu_reference/multiply.h"
#include "cpu_reference/relu.h"
#include "cpu_reference/tanh.h"

namespace fovea {

using reference::Arguments;
using reference::with_storage;

void ReferenceOps::relu_forward(ConstView x, View y) {
  const Arguments arguments("relu_forward", "x", x);
  arguments.check("y", y, x.shape);
  with_storage(x.dtype, [&](auto stored) {
    using T = decltype(stored);
    reference::relu_forward<T>(x.elements(), data_as<T>(x), data_as<T>(y));
  });
  ++executed_;
}

void ReferenceOps::relu_backward(ConstView y, ConstView dy, View dx) {
  const Arguments arguments("relu_backward", "y", y);
  arguments.check("dy", dy, y.shape);
  arguments.check("dx", dx, y.shape);
  with_storage(y.dtype, [&](auto stored) {
    using T = decltype(stored);
    reference::relu_backward<T>(y.elements(), data_as<T>(y), data_as<T>(dy), data_as<T>(dx));
  });
  ++executed_;
}

void ReferenceOps::tanh_forward(ConstView x, View y) {
  const Arguments arguments("tanh_forward", "x", x);
  arguments.check("y", y, x.shape);
  with_storage(x.dtype, [&](auto stored) {
    using T = decltype(stored);
    reference::tanh_forward<T>(x.elements(), data_as<T>(x), data_as<T>(y));
  });
  ++executed_;
}

void ReferenceOps::tanh_backward(ConstView y, ConstView dy, View dx) {
  const Arguments arguments("tanh_backward", "y", y);
  arguments.check("dy", dy, y.shape);
  arguments.check("dx", dx, y.shape);
  with_storage(y.dtype, [&](auto stored) {
    using T = decltype(stored);
    reference::tanh_backward<T>(y.elements(), data_as<T>(y), data_as<T>(dy), data_as<T>(dx));
  });
  ++executed_;
}

void ReferenceOps::add_forward(ConstView a, ConstView b, View y) {
  const Arguments arguments("add_forward", "a", a);
  arguments.check("b", b, a.shape);
  arguments.check("y", y, a.shape);
  with_storage(a.dtype, [&](auto stored) {
    using T = decltype(stored);
    reference::add_forward<T>(a.elements(), data_as<T>(a), data_as<T>(b), data_as<T>(y));
  });
  ++executed_;
}

void ReferenceOps::add_backward(ConstView dy, View dx) {
  const Arguments arguments("add_backward", "dy", dy);
  arguments.check("dx", dx, dy.shape);
  with_storage(dy.dtype, [&](auto stored) {
    using T = decltype(stored);
    reference::add_backward<T>(dy.elements(), data_as<T>(dy), data_as<T>(dx));
  });
  ++executed_;
}

void ReferenceOps::cast(ConstView x, View y) {
  const Arguments arguments("cast", "x", x), of_result("cast", "y", y);
  of_result.check("y", y, x.shape);
  with_storage(x.dtype, [&](auto from) {
    with_storage(y.dtype, [&](auto to) {
      using From = decltype(from);
      using To = decltype(to);
      reference::cast<From, To>(x.elements(), data_as<From>(x), data_as<To>(y));
    });
  });
  ++executed_;
}

void ReferenceOps::multiply_forward(ConstView a, ConstView b, View y) {
  const Arguments arguments("multiply_forward", "a", a);
  arguments.check("b", b, a.shape);
  arguments.check("y", y, a.shape);
  with_storage(a.dtype, [&](auto stored) {
    using T = decltype(stored);
    reference::multiply_forward<T>(a.elements(), data_as<T>(a), data_as<T>(b), data_as<T>(y));
  });
  ++executed_;
}

void ReferenceOps::multiply_backward(ConstView other, ConstView dy, View dx) {
  const Arguments arguments("multiply_backward", "other", other);
  arguments.check("dy", dy, other.shape);
  arguments.check("dx", dx, other.shape);
  with_storage(other.dtype, [&](auto stored) {
    using T = decltype(stored);
    reference::multiply_backward<T>(other.elements(), data_as<T>(other), data_as<T>(dy), data_as<T>(dx));
  });
  ++executed_;
}

}  // namespace fovea
