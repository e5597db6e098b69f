// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

namespace fovea::cli {

// While it lives, the first SIGINT, SIGTERM or SIGUSR1 is a request to stop at the next step; the second one ends the
// process at once, with 128 + its number. One object at a time.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  bool requested() const;
  std::string name() const;  // "SIGTERM"; empty when none came
};

}  // namespace fovea::cli
