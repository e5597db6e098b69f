// SPDX-License-Identifier: Apache-2.0
#include "core/train/loss_scaler.h"

#include <fmt/core.h>

#include <cmath>

#include "core/support/error.h"

namespace fovea {

LossScaler::LossScaler(LossScale state, std::int64_t interval) : state_(state), interval_(interval) {
  int exponent = 0;
  const bool power_of_two = std::frexp(state.scale, &exponent) == 0.5;
  require(power_of_two && state.scale >= 1 && state.scale <= largest,
          [&] { return fmt::format("loss scale: expected a power of two from 1 to 2^126, got {}", state.scale); });
}

void LossScaler::update(bool finite) {
  if (!finite) {
    state_.scale /= 2;
    state_.good_steps = 0;
    ++state_.skipped_steps;
  } else if (++state_.good_steps == interval_) {
    if (state_.scale < largest) state_.scale *= 2;
    state_.good_steps = 0;
  }
}

}  // namespace fovea
