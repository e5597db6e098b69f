// SPDX-License-Identifier: Apache-2.0
#include "core/ops/linear.h"

#include <fmt/core.h>

#include "core/support/error.h"

namespace fovea {

void fields(FieldVisitor& visitor, LinearOptions& options) {
  visitor.field("out_features", options.out_features, Presence::required, at_least(1));
  visitor.field("bias", options.bias, Presence::optional);
}

LinearGeometry linear_geometry(const LinearOptions& options, const Shape& x) {
  require(x.rank() >= 2 && x.without_batch().elements() >= 1,
          [&] { return fmt::format("expected an input [N, features], got {}", x.to_string()); });
  require(options.out_features >= 1,
          [&] { return fmt::format("out_features: expected at least 1, got {}", options.out_features); });
  return {x[0], x.without_batch().elements(), options.out_features};
}

Shape linear_output_shape(const LinearOptions& options, const Shape& x) {
  const LinearGeometry g = linear_geometry(options, x);
  return {g.N, g.O};
}

Shape linear_weight_shape(const LinearOptions& options, const Shape& x) {
  const LinearGeometry g = linear_geometry(options, x);
  return {g.O, g.I};
}

}  // namespace fovea
