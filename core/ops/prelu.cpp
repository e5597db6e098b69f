// SPDX-License-Identifier: Apache-2.0
#include "core/ops/prelu.h"

#include <fmt/core.h>

#include "core/support/error.h"

namespace fovea {

void fields(FieldVisitor& visitor, PreluOptions& options) {
  visitor.field("shared", options.shared, Presence::optional);
  visitor.field("initial", options.initial, Presence::optional,
                {.low = -std::numeric_limits<float>::max(), .high = std::numeric_limits<float>::max()});
}

PreluGeometry prelu_geometry(const Shape& x, const Shape& slope) {
  require(x.rank() >= 2, [&] { return fmt::format("expected an input [N, channels, ...], got {}", x.to_string()); });
  require(slope == Shape{x[1]} || slope == Shape{1}, [&] {
    return fmt::format("expected a slope [{}] (one for each channel) or [1], got {}", x[1], slope.to_string());
  });
  return {x[0], x[1], x.without_batch().without_batch().elements(), slope[0]};
}

Shape prelu_slope_shape(const PreluOptions& options, const Shape& x) {
  const Shape slope{options.shared || x.rank() < 2 ? 1 : x[1]};
  prelu_geometry(x, slope);
  return slope;
}

}  // namespace fovea
