// SPDX-License-Identifier: Apache-2.0
//
// How the emulated device runs kernels.
#pragma once
#include <cstdint>
#include <string_view>

namespace fovea {

// In which order the threads of a block, and the blocks of a grid, take their turns. A kernel whose result depends on
// it has a race or a missing barrier.
enum class EmuSchedule {
  forward,   // thread 0, 1, 2, ...
  reverse,   // ..., 2, 1, 0
  shuffled,  // a new seeded permutation after every barrier
};

struct EmuOptions {
  EmuSchedule schedule = EmuSchedule::forward;
  std::uint64_t seed = 0;  // of EmuSchedule::shuffled

  // FOVEA_EMU_SCHEDULE: "forward" (also when unset), "reverse", "shuffled" or "shuffled:SEED".
  // Throws InputError for anything else.
  static EmuOptions from_environment();
  static EmuOptions parse(std::string_view text);
};

}  // namespace fovea
