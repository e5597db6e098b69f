// SPDX-License-Identifier: Apache-2.0
#include "core/ops/activation.h"

namespace fovea {
namespace {

// What still is a finite number after rounding to float.
constexpr RealRange float_range{.low = -std::numeric_limits<float>::max(), .high = std::numeric_limits<float>::max()};

}  // namespace

void fields(FieldVisitor& visitor, LeakyReluOptions& options) {
  visitor.field("slope", options.slope, Presence::optional, float_range);
}

void fields(FieldVisitor& visitor, EluOptions& options) {
  visitor.field("alpha", options.alpha, Presence::optional, float_range);
}

}  // namespace fovea
