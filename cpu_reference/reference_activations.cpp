// SPDX-License-Identifier: Apache-2.0
//
// Activations and dropout.
#include "cpu_reference/reference_ops.h"

#include "cpu_reference/activation.h"
#include "cpu_reference/dispatch.h"
#include "cpu_reference/dropout.h"
#include "cpu_reference/prelu.h"

namespace fovea {

using reference::Arguments;
using reference::Wide;
using reference::with_storage;

void ReferenceOps::activation_forward(const ActivationOptions& options, ConstView x, View y) {
  const Arguments arguments("activation_forward", "x", x);
  arguments.check("y", y, x.shape);
  with_storage(x.dtype, [&](auto stored) {
    using T = decltype(stored);
    reference::activation_forward<T>(options, x.elements(), data_as<T>(x), data_as<T>(y));
  });
  ++executed_;
}

void ReferenceOps::activation_backward(const ActivationOptions& options, ConstView x, ConstView dy, View dx) {
  const Arguments arguments("activation_backward", "x", x);
  arguments.check("dy", dy, x.shape);
  arguments.check("dx", dx, x.shape);
  with_storage(x.dtype, [&](auto stored) {
    using T = decltype(stored);
    reference::activation_backward<T>(options, x.elements(), data_as<T>(x), data_as<T>(dy), data_as<T>(dx));
  });
  ++executed_;
}

void ReferenceOps::prelu_forward(ConstView x, ConstView slope, View y) {
  const Arguments arguments("prelu_forward", "x", x);
  const PreluGeometry g = arguments.geometry([&] { return prelu_geometry(x.shape, slope.shape); });
  arguments.check_wide("slope", slope, {g.slopes});
  arguments.check("y", y, x.shape);
  with_storage(x.dtype, [&](auto stored) {
    using T = decltype(stored);
    reference::prelu_forward<T>(g, data_as<T>(x), data_as<Wide<T>>(slope), data_as<T>(y));
  });
  ++executed_;
}

void ReferenceOps::prelu_backward_data(ConstView x, ConstView slope, ConstView dy, View dx) {
  const Arguments arguments("prelu_backward_data", "x", x);
  const PreluGeometry g = arguments.geometry([&] { return prelu_geometry(x.shape, slope.shape); });
  arguments.check_wide("slope", slope, {g.slopes});
  arguments.check("dy", dy, x.shape);
  arguments.check("dx", dx, x.shape);
  with_storage(x.dtype, [&](auto stored) {
    using T = decltype(stored);
    reference::prelu_backward_data<T>(g, data_as<T>(x), data_as<Wide<T>>(slope), data_as<T>(dy), data_as<T>(dx));
  });
  ++executed_;
}

std::size_t ReferenceOps::prelu_workspace(const Shape&) { return 0; }

void ReferenceOps::prelu_backward_slope(ConstView x, ConstView dy, View dslope, Workspace) {
  const Arguments arguments("prelu_backward_slope", "x", x);
  const PreluGeometry g = arguments.geometry([&] { return prelu_geometry(x.shape, dslope.shape); });
  arguments.check("dy", dy, x.shape);
  arguments.check_wide("dslope", dslope, {g.slopes});
  with_storage(x.dtype, [&](auto stored) {
    using T = decltype(stored);
    reference::prelu_backward_slope<T>(g, data_as<T>(x), data_as<T>(dy), data_as<Wide<T>>(dslope));
  });
  ++executed_;
}

void ReferenceOps::dropout_forward(const DropoutOptions& options, RandomKey key, ConstView x, View y) {
  const Arguments arguments("dropout_forward", "x", x);
  arguments.geometry([&] { return dropout_scale(options); });
  arguments.check("y", y, x.shape);
  with_storage(x.dtype, [&](auto stored) {
    using T = decltype(stored);
    reference::dropout<T>(options, key, x.elements(), data_as<T>(x), data_as<T>(y));
  });
  ++executed_;
}

void ReferenceOps::dropout_backward(const DropoutOptions& options, RandomKey key, ConstView dy, View dx) {
  const Arguments arguments("dropout_backward", "dy", dy);
  arguments.geometry([&] { return dropout_scale(options); });
  arguments.check("dx", dx, dy.shape);
  with_storage(dy.dtype, [&](auto stored) {
    using T = decltype(stored);
    reference::dropout<T>(options, key, dy.elements(), data_as<T>(dy), data_as<T>(dx));
  });
  ++executed_;
}

}  // namespace fovea
