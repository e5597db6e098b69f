// SPDX-License-Identifier: Apache-2.0
//
// What both targets check before a launch.
#pragma once
#include "cuda/runtime/launch.h"

namespace fovea::FOVEA_TARGET::detail {

// Throws LaunchError naming the kernel and the limit.
void check_configuration(const char* name, dim3 grid, dim3 block, std::size_t dynamic_shared_bytes,
                         std::size_t shared_limit, const LaunchLimits& limits);

// FOVEA_SYNC: "1" or "0" (also when unset). Throws InputError for anything else.
bool synchronous_from_environment();

}  // namespace fovea::FOVEA_TARGET::detail
