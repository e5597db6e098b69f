// SPDX-License-Identifier: Apache-2.0
#include "cli/bench_timing.h"

#include <algorithm>
#include <cmath>

namespace fovea::cli {
namespace {

// Below the clock's resolution nothing can be said.
constexpr double shortest_time = 1e-9;

double seconds_of(WorkTimer& timer, std::int64_t runs, const std::function<void()>& work) {
  timer.start();
  for (std::int64_t i = 0; i < runs; ++i) work();
  return std::max(shortest_time, timer.seconds());
}

}  // namespace

double Timing::median() const {
  const std::size_t half = seconds.size() / 2;
  return seconds.size() % 2 == 1 ? seconds[half] : (seconds[half - 1] + seconds[half]) / 2;
}

Timing measure(Backend& backend, const TimingOptions& options, const std::function<void()>& work) {
  const std::unique_ptr<WorkTimer> timer = backend.timer();
  seconds_of(*timer, 1, work);  // first touches of memory, caches of the libraries
  std::int64_t runs = 1;
  double filled = seconds_of(*timer, runs, work);
  // Doubled until they fill half of a repeat, since one run of a fast device is mostly its start.
  while (filled < options.min_seconds / 2) filled = seconds_of(*timer, runs *= 2, work);
  if (filled >= options.max_seconds) return {.runs = runs, .seconds = {filled / static_cast<double>(runs)}};
  const double wanted = std::ceil(static_cast<double>(runs) * options.min_seconds / filled);

  Timing timing{.runs = std::max<std::int64_t>(1, static_cast<std::int64_t>(wanted)), .seconds = {}};
  double spent = 0;
  for (std::int64_t i = 0; i < options.repeats && (i == 0 || spent < options.max_seconds); ++i) {
    const double seconds = seconds_of(*timer, timing.runs, work);
    spent += seconds;
    timing.seconds.push_back(seconds / static_cast<double>(timing.runs));
  }
  std::ranges::sort(timing.seconds);
  return timing;
}

}  // namespace fovea::cli
