// SPDX-License-Identifier: Apache-2.0
#include "cli/bench_timing.h"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace fovea::cli {
namespace {

// Below the clock's resolution nothing can be said.
constexpr double shortest_time = 1e-9;

double seconds_of(Backend& backend, std::int64_t runs, const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  for (std::int64_t i = 0; i < runs; ++i) work();
  backend.synchronize();
  return std::max(shortest_time, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
}

}  // namespace

double Timing::median() const {
  const std::size_t half = seconds.size() / 2;
  return seconds.size() % 2 == 1 ? seconds[half] : (seconds[half - 1] + seconds[half]) / 2;
}

Timing measure(Backend& backend, const TimingOptions& options, const std::function<void()>& work) {
  seconds_of(backend, 1, work);  // first touches of memory, caches of the libraries
  std::int64_t runs = 1;
  double filled = seconds_of(backend, runs, work);
  // Doubled until they fill half of a repeat, since one run of a fast device is mostly its start.
  while (filled < options.min_seconds / 2) filled = seconds_of(backend, runs *= 2, work);
  const double wanted = std::ceil(static_cast<double>(runs) * options.min_seconds / filled);

  Timing timing{.runs = std::max<std::int64_t>(1, static_cast<std::int64_t>(wanted)), .seconds = {}};
  for (std::int64_t i = 0; i < options.repeats; ++i)
    timing.seconds.push_back(seconds_of(backend, timing.runs, work) / static_cast<double>(timing.runs));
  std::ranges::sort(timing.seconds);
  return timing;
}

}  // namespace fovea::cli
