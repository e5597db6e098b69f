// SPDX-License-Identifier: Apache-2.0
#include "core/ops/max_pool2d.h"

#include <fmt/core.h>

#include "core/support/error.h"

namespace fovea {

void fields(FieldVisitor& visitor, MaxPool2dOptions& options) {
  visitor.field("kernel", options.kernel, Presence::optional, at_least(1));
  visitor.field("stride", options.stride, Presence::optional, at_least(1));
  visitor.field("padding", options.padding, Presence::optional, at_least(0));
  visitor.field("ceil_mode", options.ceil_mode, Presence::optional);
}

Pool2dGeometry max_pool2d_geometry(const MaxPool2dOptions& o, const Shape& x) {
  return pool2d_geometry(o.kernel, o.stride, o.padding, o.ceil_mode, x);
}

Shape max_pool2d_output_shape(const MaxPool2dOptions& options, const Shape& x) {
  const Pool2dGeometry g = max_pool2d_geometry(options, x);
  return {g.N, g.C, g.P, g.Q};
}

DType max_pool2d_index_dtype(const MaxPool2dOptions& options) {
  const std::int64_t window = options.kernel.h * options.kernel.w;
  require(window <= 65536,
          [&] { return fmt::format("kernel: expected at most 65536 window elements, got {}", window); });
  return window <= 256 ? DType::u8 : DType::u16;
}

}  // namespace fovea
