// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>

#include "core/tensor/tensor.h"

namespace fovea {

// Names the random numbers of one layer in one step of one run. Element i of the layer's output uses word i % 4 of the
// Philox block (core/support/philox.h) with key `seed` and counter
//   high = purpose << 48 | layer << 32 | step,  low = i / 4,
// so every device, in any thread order, draws the same numbers, and backward draws those of forward again.
//
// A call that is captured and replayed (Backend::capture) finds the step in memory. Engines whose calls are done when they
// return may go by `step`, which is the same number then.
struct RandomKey {
  std::uint64_t seed = 0;
  std::uint32_t step = 0;         // of training
  std::uint16_t layer = 0;        // the node's number in its graph
  ConstView step_in_memory = {};  // [1] i64: counts in place of `step`; empty: that

  constexpr std::uint64_t counter_high(std::uint16_t purpose) const {
    return std::uint64_t{purpose} << 48 | std::uint64_t{layer} << 32 | step;
  }
};

}  // namespace fovea
