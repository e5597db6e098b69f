// SPDX-License-Identifier: Apache-2.0
#include "core/ops/adaptive_pool2d.h"

#include <fmt/core.h>

#include "core/support/error.h"

namespace fovea {

void fields(FieldVisitor& visitor, AdaptivePool2dOptions& options) {
  visitor.field("output_size", options.output_size, Presence::required, at_least(1));
}

AdaptivePool2dGeometry adaptive_pool2d_geometry(const AdaptivePool2dOptions& options, const Shape& x) {
  require(x.rank() == 4, [&] { return fmt::format("expected an input [N, C, H, W], got {}", x.to_string()); });
  require(x[2] >= 1 && x[3] >= 1,
          [&] { return fmt::format("expected an image of at least one pixel, got {}", x.to_string()); });
  const Size2 size = options.output_size;
  require(size.h >= 1 && size.w >= 1,
          [&] { return fmt::format("output_size: expected at least 1, got [{}, {}]", size.h, size.w); });
  return {x[0], x[1], x[2], x[3], size.h, size.w};
}

Shape adaptive_pool2d_output_shape(const AdaptivePool2dOptions& options, const Shape& x) {
  const AdaptivePool2dGeometry g = adaptive_pool2d_geometry(options, x);
  return {g.N, g.C, g.P, g.Q};
}

}  // namespace fovea
