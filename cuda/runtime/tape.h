// SPDX-License-Identifier: Apache-2.0
//
// What a stream knows of the recording that is made of it; for the runtime's own sources.
#pragma once
#include <functional>
#include <vector>

#include "cuda/runtime/counters.h"

namespace fovea::FOVEA_TARGET {

struct Tape {
  Counters counters;              // of what is noted, in place of the stream's
  const char* illegal = nullptr;  // the first of what could not be refused on the spot; a literal
#if FOVEA_EMU
  std::vector<std::function<void()>> calls;
#endif
};

}  // namespace fovea::FOVEA_TARGET
