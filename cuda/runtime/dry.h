// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "cuda/runtime/stream.h"

namespace fovea::FOVEA_TARGET {

// From now on launches on this stream are checked and counted but not run: for describing what would run. Copies and
// fills are not affected.
void count_launches_only(Stream& stream);

}  // namespace fovea::FOVEA_TARGET
