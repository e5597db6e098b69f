// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <chrono>
#include <string>

#include "cli/output.h"
#include "core/train/trainer.h"

namespace fovea::cli {

// Shows how training goes: on a terminal a bar that is redrawn (in colour unless NO_COLOR is set), elsewhere plain
// lines; a line stays for every epoch. Silent with --quiet.
class ProgressDisplay {
 public:
  // The run goes from `first_step` steps done to `last_step`.
  ProgressDisplay(Output& out, std::int64_t first_step, std::int64_t last_step);
  ~ProgressDisplay();
  ProgressDisplay(const ProgressDisplay&) = delete;
  ProgressDisplay& operator=(const ProgressDisplay&) = delete;

  // Whether step() would show something now, were it called after so many steps; the end of an epoch aside.
  bool is_due(std::int64_t steps) const;
  void step(const Progress& progress);

 private:
  using Clock = std::chrono::steady_clock;

  std::string text(const Progress& progress) const;
  std::string time_left(const Progress& progress) const;
  void draw(const Progress& progress);
  void erase();

  Output& out_;
  const std::int64_t first_step_, last_step_;
  const bool terminal_, colour_;
  const Clock::time_point start_ = Clock::now();
  Clock::time_point last_shown_ = start_;
  bool drawn_ = false;
};

}  // namespace fovea::cli
