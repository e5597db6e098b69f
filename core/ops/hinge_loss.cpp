// SPDX-License-Identifier: Apache-2.0
#include "core/ops/hinge_loss.h"

#include <fmt/core.h>

#include <cmath>

#include "core/support/error.h"

namespace fovea {

void fields(FieldVisitor& visitor, HingeLossOptions& options) {
  visitor.field("margin", options.margin, Presence::optional, non_negative_real);
  visitor.field("squared", options.squared, Presence::optional);
  visitor.field("average_classes", options.average_classes, Presence::optional);
}

HingeLossGeometry hinge_loss_geometry(const HingeLossOptions& options, const Shape& scores, const Shape& labels) {
  require(scores.rank() == 2 && scores[1] >= 1 && labels == Shape{scores[0]}, [&] {
    return fmt::format("expected scores [N, classes] and labels [N], got {} and {}", scores.to_string(),
                       labels.to_string());
  });
  require(options.margin >= 0 && std::isfinite(static_cast<float>(options.margin)),
          [&] { return fmt::format("margin: expected a number of at least 0, got {}", options.margin); });
  const double scale = options.average_classes ? 1.0 / static_cast<double>(scores[1]) : 1.0;
  return {scores[0], scores[1], options.margin, scale, options.squared};
}

}  // namespace fovea
