// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <functional>
#include <limits>
#include <vector>

#include "core/backend/backend.h"

namespace fovea::cli {

struct TimingOptions {
  std::int64_t repeats = 7;
  double min_seconds = 0.25;  // each repeat runs the work as often as fills this time, at least once
  // No further repeat begins when those so far took this long; where the warm-up did, its last runs are the result.
  double max_seconds = std::numeric_limits<double>::infinity();
};

// How long one run of some work took, in each of the repeats.
struct Timing {
  std::int64_t runs = 0;        // in each repeat
  std::vector<double> seconds;  // of one run; ascending

  double fastest() const { return seconds.front(); }
  double slowest() const { return seconds.back(); }
  double median() const;
};

// Times `work`, which may only enqueue, by the backend's own clock (Backend::timer). A first run and the runs that
// find out how many fill a repeat are the warm-up and do not count.
Timing measure(Backend& backend, const TimingOptions& options, const std::function<void()>& work);

}  // namespace fovea::cli
