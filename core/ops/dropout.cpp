// SPDX-License-Identifier: Apache-2.0
#include "core/ops/dropout.h"

#include <fmt/core.h>

#include "core/support/error.h"

namespace fovea {

void fields(FieldVisitor& visitor, DropoutOptions& options) {
  visitor.field("rate", options.rate, Presence::optional, {.low = 0, .high = 1, .high_open = true});
}

float dropout_scale(const DropoutOptions& options) {
  require(options.rate >= 0 && options.rate < 1,
          [&] { return fmt::format("rate: expected a number in [0, 1), got {}", options.rate); });
  return static_cast<float>(1 / (1 - options.rate));
}

}  // namespace fovea
