// SPDX-License-Identifier: Apache-2.0
//
// Pooling.
#include "cpu_reference/reference_ops.h"

#include <limits>

#include "cpu_reference/adaptive_pool2d.h"
#include "cpu_reference/avg_pool2d.h"
#include "cpu_reference/dispatch.h"
#include "cpu_reference/max_pool2d.h"

namespace fovea {

using reference::Arguments;
using reference::with_index;
using reference::with_storage;

void ReferenceOps::max_pool2d_forward(const MaxPool2dOptions& options, ConstView x, View y, View index) {
  const Arguments arguments("max_pool2d_forward", "x", x);
  const Pool2dGeometry g = arguments.geometry([&] { return max_pool2d_geometry(options, x.shape); });
  const DType index_dtype = arguments.geometry([&] { return max_pool2d_index_dtype(options); });
  arguments.check("y", y, {g.N, g.C, g.P, g.Q});
  arguments.check("index", index, {g.N, g.C, g.P, g.Q}, index_dtype);
  with_storage(x.dtype, [&](auto stored) {
    with_index(index_dtype, [&](auto winner) {
      using T = decltype(stored);
      using Index = decltype(winner);
      reference::max_pool2d_forward<T, Index>(g, options.minimum, data_as<T>(x), data_as<T>(y), data_as<Index>(index));
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
  with_storage(dx.dtype, [&](auto stored) {
    with_index(index_dtype, [&](auto winner) {
      using T = decltype(stored);
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
  with_storage(x.dtype, [&](auto stored) {
    using T = decltype(stored);
    reference::avg_pool2d_forward<T>(g, options.count_include_pad, options.sum, data_as<T>(x), data_as<T>(y));
  });
  ++executed_;
}

void ReferenceOps::avg_pool2d_backward(const AvgPool2dOptions& options, ConstView dy, View dx) {
  const Arguments arguments("avg_pool2d_backward", "dx", dx);
  const Pool2dGeometry g = arguments.geometry([&] { return avg_pool2d_geometry(options, dx.shape); });
  arguments.check("dy", dy, {g.N, g.C, g.P, g.Q});
  with_storage(dx.dtype, [&](auto stored) {
    using T = decltype(stored);
    reference::avg_pool2d_backward<T>(g, options.count_include_pad, options.sum, data_as<T>(dy), data_as<T>(dx));
  });
  ++executed_;
}

void ReferenceOps::adaptive_avg_pool2d_forward(const AdaptivePool2dOptions& options, ConstView x, View y) {
  const Arguments arguments("adaptive_avg_pool2d_forward", "x", x);
  const AdaptivePool2dGeometry g = arguments.geometry([&] { return adaptive_pool2d_geometry(options, x.shape); });
  arguments.check("y", y, {g.N, g.C, g.P, g.Q});
  with_storage(x.dtype, [&](auto stored) {
    using T = decltype(stored);
    reference::adaptive_avg_pool2d_forward<T>(g, data_as<T>(x), data_as<T>(y));
  });
  ++executed_;
}

void ReferenceOps::adaptive_avg_pool2d_backward(const AdaptivePool2dOptions& options, ConstView dy, View dx) {
  const Arguments arguments("adaptive_avg_pool2d_backward", "dx", dx);
  const AdaptivePool2dGeometry g = arguments.geometry([&] { return adaptive_pool2d_geometry(options, dx.shape); });
  arguments.check("dy", dy, {g.N, g.C, g.P, g.Q});
  with_storage(dx.dtype, [&](auto stored) {
    using T = decltype(stored);
    reference::adaptive_avg_pool2d_backward<T>(g, data_as<T>(dy), data_as<T>(dx));
  });
  ++executed_;
}

void ReferenceOps::adaptive_max_pool2d_forward(const AdaptivePool2dOptions& options, ConstView x, View y, View index) {
  const Arguments arguments("adaptive_max_pool2d_forward", "x", x);
  const AdaptivePool2dGeometry g = arguments.geometry([&] { return adaptive_pool2d_geometry(options, x.shape); });
  arguments.demand(g.H * g.W <= std::numeric_limits<std::int32_t>::max(), "x", "at most 2^31 - 1 pixels", x);
  arguments.check("y", y, {g.N, g.C, g.P, g.Q});
  arguments.check("index", index, {g.N, g.C, g.P, g.Q}, DType::i32);
  with_storage(x.dtype, [&](auto stored) {
    using T = decltype(stored);
    reference::adaptive_max_pool2d_forward<T>(g, data_as<T>(x), data_as<T>(y), data_as<std::int32_t>(index));
  });
  ++executed_;
}

void ReferenceOps::adaptive_max_pool2d_backward(const AdaptivePool2dOptions& options, ConstView dy, ConstView index,
                                                View dx) {
  const Arguments arguments("adaptive_max_pool2d_backward", "dx", dx);
  const AdaptivePool2dGeometry g = arguments.geometry([&] { return adaptive_pool2d_geometry(options, dx.shape); });
  arguments.check("dy", dy, {g.N, g.C, g.P, g.Q});
  arguments.check("index", index, {g.N, g.C, g.P, g.Q}, DType::i32);
  const std::int32_t* winners = data_as<std::int32_t>(index);
  arguments.demand(reference::adaptive_winners_in_window(g, winners), "index", "winners inside their windows", index);
  with_storage(dx.dtype, [&](auto stored) {
    using T = decltype(stored);
    reference::adaptive_max_pool2d_backward<T>(g, data_as<T>(dy), winners, data_as<T>(dx));
  });
  ++executed_;
}

}  // namespace fovea
