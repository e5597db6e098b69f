// SPDX-License-Identifier: Apache-2.0
//
// conv2d, linear and their bias.
#include "cpu_reference/reference_ops.h"

#include "cpu_reference/bias.h"
#include "cpu_reference/conv2d.h"
#include "cpu_reference/dispatch.h"
#include "cpu_reference/linear.h"

namespace fovea {

using reference::Arguments;
using reference::data_or_null;
using reference::positions;
using reference::Wide;
using reference::with_storage;

std::size_t ReferenceOps::conv2d_workspace(Conv2dPass, const Conv2dOptions&, const Shape&) { return 0; }

void ReferenceOps::conv2d_forward(const Conv2dOptions& options, ConstView x, ConstView w, ConstView bias, View y,
                                  Workspace) {
  const Arguments arguments("conv2d_forward", "x", x);
  const Conv2dGeometry g = arguments.geometry([&] { return conv2d_geometry(options, x.shape); });
  arguments.check("w", w, {g.K, g.channels_per_group(), g.R, g.S});
  if (bias) arguments.check_wide("bias", bias, {g.K});
  arguments.check("y", y, {g.N, g.K, g.P, g.Q});
  with_storage(x.dtype, [&](auto stored) {
    using T = decltype(stored);
    reference::conv2d_forward<T>(g, data_as<T>(x), data_as<T>(w), data_or_null<Wide<T>>(bias), data_as<T>(y));
  });
  ++executed_;
}

void ReferenceOps::conv2d_backward_data(const Conv2dOptions& options, ConstView dy, ConstView w, View dx, Workspace) {
  const Arguments arguments("conv2d_backward_data", "dx", dx);
  const Conv2dGeometry g = arguments.geometry([&] { return conv2d_geometry(options, dx.shape); });
  arguments.check("dy", dy, {g.N, g.K, g.P, g.Q});
  arguments.check("w", w, {g.K, g.channels_per_group(), g.R, g.S});
  with_storage(dx.dtype, [&](auto stored) {
    using T = decltype(stored);
    reference::conv2d_backward_data<T>(g, data_as<T>(dy), data_as<T>(w), data_as<T>(dx));
  });
  ++executed_;
}

void ReferenceOps::conv2d_backward_filter(const Conv2dOptions& options, ConstView x, ConstView dy, View dw, Workspace) {
  const Arguments arguments("conv2d_backward_filter", "x", x);
  const Conv2dGeometry g = arguments.geometry([&] { return conv2d_geometry(options, x.shape); });
  arguments.check("dy", dy, {g.N, g.K, g.P, g.Q});
  arguments.check_wide("dw", dw, {g.K, g.channels_per_group(), g.R, g.S});
  with_storage(x.dtype, [&](auto stored) {
    using T = decltype(stored);
    reference::conv2d_backward_filter<T>(g, data_as<T>(x), data_as<T>(dy), data_as<Wide<T>>(dw));
  });
  ++executed_;
}

void ReferenceOps::bias_add(ConstView bias, View y) {
  const Arguments arguments("bias_add", "y", y);
  arguments.demand(y.shape.rank() >= 2, "y", "[N, K, ...]", y);
  const std::int64_t N = y.shape[0], K = y.shape[1];
  arguments.check_wide("bias", bias, {K});
  with_storage(y.dtype, [&](auto stored) {
    using T = decltype(stored);
    reference::bias_add<T>(N, K, positions(y.shape), data_as<Wide<T>>(bias), data_as<T>(y));
  });
  ++executed_;
}

void ReferenceOps::bias_gradient(ConstView dy, View dbias, Workspace) {
  const Arguments arguments("bias_gradient", "dy", dy);
  arguments.demand(dy.shape.rank() >= 2, "dy", "[N, K, ...]", dy);
  const std::int64_t N = dy.shape[0], K = dy.shape[1];
  arguments.check_wide("dbias", dbias, {K});
  with_storage(dy.dtype, [&](auto stored) {
    using T = decltype(stored);
    reference::bias_gradient<T>(N, K, positions(dy.shape), data_as<T>(dy), data_as<Wide<T>>(dbias));
  });
  ++executed_;
}

std::size_t ReferenceOps::linear_workspace(LinearPass, const LinearOptions&, const Shape&) { return 0; }

void ReferenceOps::linear_forward(const LinearOptions& options, ConstView x, ConstView w, ConstView bias, View y,
                                  Workspace) {
  const Arguments arguments("linear_forward", "x", x);
  const LinearGeometry g = arguments.geometry([&] { return linear_geometry(options, x.shape); });
  arguments.check("w", w, {g.O, g.I});
  if (bias) arguments.check_wide("bias", bias, {g.O});
  arguments.check("y", y, {g.N, g.O});
  with_storage(x.dtype, [&](auto stored) {
    using T = decltype(stored);
    reference::linear_forward<T>(g, data_as<T>(x), data_as<T>(w), data_or_null<Wide<T>>(bias), data_as<T>(y));
  });
  ++executed_;
}

void ReferenceOps::linear_backward_data(const LinearOptions& options, ConstView dy, ConstView w, View dx, Workspace) {
  const Arguments arguments("linear_backward_data", "dx", dx);
  const LinearGeometry g = arguments.geometry([&] { return linear_geometry(options, dx.shape); });
  arguments.check("dy", dy, {g.N, g.O});
  arguments.check("w", w, {g.O, g.I});
  with_storage(dx.dtype, [&](auto stored) {
    using T = decltype(stored);
    reference::linear_backward_data<T>(g, data_as<T>(dy), data_as<T>(w), data_as<T>(dx));
  });
  ++executed_;
}

void ReferenceOps::linear_backward_weight(const LinearOptions& options, ConstView x, ConstView dy, View dw, Workspace) {
  const Arguments arguments("linear_backward_weight", "x", x);
  const LinearGeometry g = arguments.geometry([&] { return linear_geometry(options, x.shape); });
  arguments.check("dy", dy, {g.N, g.O});
  arguments.check_wide("dw", dw, {g.O, g.I});
  with_storage(x.dtype, [&](auto stored) {
    using T = decltype(stored);
    reference::linear_backward_weight<T>(g, data_as<T>(x), data_as<T>(dy), data_as<Wide<T>>(dw));
  });
  ++executed_;
}

}  // namespace fovea
