// SPDX-License-Identifier: Apache-2.0
#include "core/ops/batch_norm.h"

#include <fmt/core.h>

#include <cmath>

#include "core/support/error.h"

namespace fovea {

void fields(FieldVisitor& visitor, BatchNormOptions& options) {
  visitor.field("epsilon", options.epsilon, Presence::optional, positive_real);
  visitor.field("momentum", options.momentum, Presence::optional, RealRange{.low = 0, .high = 1});
  visitor.field("frozen", options.frozen, Presence::optional);
}

BatchNormGeometry batch_norm_geometry(const BatchNormOptions& options, const Shape& x) {
  require(x.rank() >= 2 && x[1] >= 1,
          [&] { return fmt::format("expected an input [N, C] or [N, C, ...], got {}", x.to_string()); });
  const auto epsilon = static_cast<float>(options.epsilon), momentum = static_cast<float>(options.momentum);
  // Without epsilon a channel of equal values would be divided by zero.
  require(epsilon > 0 && std::isfinite(epsilon),
          [&] { return fmt::format("epsilon: expected a number above 0, got {}", options.epsilon); });
  require(momentum >= 0 && momentum <= 1,
          [&] { return fmt::format("momentum: expected 0 to 1, got {}", options.momentum); });
  return {x[0], x[1], x.without_batch().without_batch().elements(), epsilon, momentum};
}

void require_batch_statistics(const BatchNormGeometry& g) {
  require(g.values() > 1, [&] {
    return fmt::format(
        "batch_norm: expected more than one value per channel in training, got {} sample of {} position: the variance "
        "of "
        "one value says nothing",
        g.N, g.positions);
  });
}

}  // namespace fovea
