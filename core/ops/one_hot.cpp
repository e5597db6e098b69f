// SPDX-License-Identifier: Apache-2.0
#include "core/ops/one_hot.h"

#include <limits>

namespace fovea {

void fields(FieldVisitor& visitor, OneHotOptions& options) {
  constexpr double largest = std::numeric_limits<float>::max();
  visitor.field("classes", options.classes, Presence::required, at_least(1));
  visitor.field("on", options.on, Presence::optional, {.low = -largest, .high = largest});
  visitor.field("off", options.off, Presence::optional, {.low = -largest, .high = largest});
}

}  // namespace fovea
