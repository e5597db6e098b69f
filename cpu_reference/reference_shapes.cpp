// SPDX-License-Identifier: Apache-2.0
//
// What moves elements without computing much: concat, pad, upsample2d, one_hot.
#include "cpu_reference/reference_ops.h"

#include "cpu_reference/concat.h"
#include "cpu_reference/dispatch.h"
#include "cpu_reference/one_hot.h"
#include "cpu_reference/pad.h"
#include "cpu_reference/upsample2d.h"

namespace fovea {

using reference::Arguments;
using reference::check_labels;
using reference::with_storage;

void ReferenceOps::concat_forward(const ConcatOptions& options, ConstView x, std::int64_t first, View y) {
  const Arguments arguments("concat_forward", "x", x);
  const ConcatSlice slice = arguments.geometry([&] { return concat_slice(options, x.shape, first, y.shape); });
  arguments.check("x", x, x.shape);
  arguments.check("y", y, y.shape);
  with_storage(x.dtype, [&](auto stored) {
    using T = decltype(stored);
    reference::concat_forward<T>(slice, data_as<T>(x), data_as<T>(y));
  });
  ++executed_;
}

void ReferenceOps::concat_backward(const ConcatOptions& options, ConstView dy, std::int64_t first, View dx) {
  const Arguments arguments("concat_backward", "dx", dx);
  const ConcatSlice slice = arguments.geometry([&] { return concat_slice(options, dx.shape, first, dy.shape); });
  arguments.check("dx", dx, dx.shape);
  arguments.check("dy", dy, dy.shape);
  with_storage(dx.dtype, [&](auto stored) {
    using T = decltype(stored);
    reference::concat_backward<T>(slice, data_as<T>(dy), data_as<T>(dx));
  });
  ++executed_;
}

void ReferenceOps::pad_forward(const PadOptions& options, ConstView x, View y) {
  const Arguments arguments("pad_forward", "x", x);
  const PadGeometry g = arguments.geometry([&] { return pad_geometry(options, x.shape); });
  arguments.check("y", y, {g.N, g.channels, g.rows, g.columns});
  with_storage(x.dtype, [&](auto stored) {
    using T = decltype(stored);
    reference::pad_forward<T>(g, static_cast<float>(options.value), data_as<T>(x), data_as<T>(y));
  });
  ++executed_;
}

void ReferenceOps::pad_backward(const PadOptions& options, ConstView dy, View dx) {
  const Arguments arguments("pad_backward", "dx", dx);
  const PadGeometry g = arguments.geometry([&] { return pad_geometry(options, dx.shape); });
  arguments.check("dy", dy, {g.N, g.channels, g.rows, g.columns});
  with_storage(dx.dtype, [&](auto stored) {
    using T = decltype(stored);
    reference::pad_backward<T>(g, data_as<T>(dy), data_as<T>(dx));
  });
  ++executed_;
}

void ReferenceOps::upsample2d_forward(const Upsample2dOptions& options, ConstView x, View y) {
  const Arguments arguments("upsample2d_forward", "x", x);
  const Upsample2dGeometry g = arguments.geometry([&] { return upsample2d_geometry(options, x.shape); });
  arguments.check("y", y, {g.N, g.C, g.P, g.Q});
  with_storage(x.dtype, [&](auto stored) {
    using T = decltype(stored);
    reference::upsample2d_forward<T>(g, data_as<T>(x), data_as<T>(y));
  });
  ++executed_;
}

void ReferenceOps::upsample2d_backward(const Upsample2dOptions& options, ConstView dy, View dx) {
  const Arguments arguments("upsample2d_backward", "dx", dx);
  const Upsample2dGeometry g = arguments.geometry([&] { return upsample2d_geometry(options, dx.shape); });
  arguments.check("dy", dy, {g.N, g.C, g.P, g.Q});
  with_storage(dx.dtype, [&](auto stored) {
    using T = decltype(stored);
    reference::upsample2d_backward<T>(g, data_as<T>(dy), data_as<T>(dx));
  });
  ++executed_;
}

void ReferenceOps::one_hot_forward(const OneHotOptions& options, ConstView labels, View y) {
  const Arguments arguments("one_hot_forward", "y", y);
  arguments.demand(y.shape.rank() == 2, "y", "targets [N, C]", y);
  const std::int64_t N = y.shape[0], C = options.classes;
  arguments.check("y", y, {N, C});
  check_labels(arguments, labels, {N}, C);
  with_storage(y.dtype, [&](auto stored) {
    using T = decltype(stored);
    reference::one_hot_forward<T>(N, C, static_cast<float>(options.on), static_cast<float>(options.off),
                                  data_as<std::int32_t>(labels), data_as<T>(y));
  });
  ++executed_;
}

}  // namespace fovea
