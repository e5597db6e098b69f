// SPDX-License-Identifier: Apache-2.0
//
// Pooling.
#include "cpu_reference/reference_ops.h"

#include "cpu_reference/avg_pool2d.h"
#include "cpu_reference/dispatch.h"
#include "cpu_reference/max_pool2d.h"

namespace fovea {

using reference::Arguments;
using reference::with_index;
using reference::with_real;

void ReferenceOps::max_pool2d_forward(const MaxPool2dOptions& options, ConstView x, View y, View index) {
  const Arguments arguments("max_pool2d_forward", "x", x);
  const Pool2dGeometry g = arguments.geometry([&] { return max_pool2d_geometry(options, x.shape); });
  const DType index_dtype = arguments.geometry([&] { return max_pool2d_index_dtype(options); });
  arguments.check("y", y, {g.N, g.C, g.P, g.Q});
  arguments.check("index", index, {g.N, g.C, g.P, g.Q}, index_dtype);
  with_real(x.dtype, [&](auto real) {
    with_index(index_dtype, [&](auto winner) {
      using T = decltype(real);
      using Index = decltype(winner);
      reference::max_pool2d_forward<T, Index>(g, data_as<T>(x), data_as<T>(y), data_as<Index>(index));
    });
  });
  ++executed_;
}

void ReferenceOps::max_pool2d_backward(const MaxPool2dOptions& options, ConstView dy, ConstView index, View dx) {
  const Arguments arguments("max_pool2d_backward", "dx", dx);
  const Pool2dGeometry g = arguments.geometry([&] { return max_pool2d_geometry(options, dx.shape); });
  const DType index_dtype = arguments.geometry([&] { return max_pool2d_index_dtype(options); });
  arguments.check("dy", dy, {g.N, g.C, g.P, g.Q});
  arguments.check("index", index, {g.N, g.C, g.P, g.Q}, index_dtype);
  with_real(dx.dtype, [&](auto real) {
    with_index(index_dtype, [&](auto winner) {
      using T = decltype(real);
      using Index = decltype(winner);
      const Index* winners = data_as<Index>(index);
      arguments.demand(reference::winners_in_image(g, winners), "index", "winners inside the image", index);
      reference::max_pool2d_backward<T, Index>(g, data_as<T>(dy), winners, data_as<T>(dx));
    });
  });
  ++executed_;
}

void ReferenceOps::avg_pool2d_forward(const AvgPool2dOptions& options, ConstView x, View y) {
  const Arguments arguments("avg_pool2d_forward", "x", x);
  const Pool2dGeometry g = arguments.geometry([&] { return avg_pool2d_geometry(options, x.shape); });
  arguments.check("y", y, {g.N, g.C, g.P, g.Q});
  with_real(x.dtype, [&](auto real) {
    using T = decltype(real);
    reference::avg_pool2d_forward<T>(g, options.count_include_pad, data_as<T>(x), data_as<T>(y));
  });
  ++executed_;
}

void ReferenceOps::avg_pool2d_backward(const AvgPool2dOptions& options, ConstView dy, View dx) {
  const Arguments arguments("avg_pool2d_backward", "dx", dx);
  const Pool2dGeometry g = arguments.geometry([&] { return avg_pool2d_geometry(options, dx.shape); });
  arguments.check("dy", dy, {g.N, g.C, g.P, g.Q});
  with_real(dx.dtype, [&](auto real) {
    using T = decltype(real);
    reference::avg_pool2d_backward<T>(g, options.count_include_pad, data_as<T>(dy), data_as<T>(dx));
  });
  ++executed_;
}

}  // namespace fovea
