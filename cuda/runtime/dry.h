// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "cuda/runtime/stream.h"

namespace fovea::FOVEA_TARGET {

// From now on launches on this stream, and copies and fills of its memory, are checked and counted but not done: for
// describing what would run. What is copied to the host is zeros. On emu, memory made for the stream afterwards is
// addresses without bytes behind them, so that whoever touches a tensor is stopped there and then.
void count_only(Stream& stream);

}  // namespace fovea::FOVEA_TARGET
