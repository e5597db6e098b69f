// SPDX-License-Identifier: Apache-2.0
//
// From Linux's /proc. Not getrusage(): its peak is inherited from the process that started this one.
#include "cli/peak_memory.h"

#include <fstream>
#include <string>

namespace fovea::cli {

std::optional<std::size_t> peak_memory() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    std::size_t kib = 0;
    if (word == "VmHWM:" && status >> kib) return kib * 1024;
  }
  return std::nullopt;
}

void forget_peak_memory() { std::ofstream("/proc/self/clear_refs") << "5"; }

}  // namespace fovea::cli
