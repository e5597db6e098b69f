// SPDX-License-Identifier: Apache-2.0
//
// The emulated GPU: our CUDA kernels compiled by the host compiler, each CUDA thread a fiber (cuda/emu/README.md).
#pragma once
#include <memory>
#include <string_view>

#include "core/backend/backend.h"
#include "core/backend/device_list.h"
#include "cuda/emu/options.h"

namespace fovea {

// `engine`: "native", "direct", "native-fp32x3" or "auto" (native). Throws InputError for another.
std::unique_ptr<Backend> make_emu_backend(std::string_view engine,
                                          const EmuOptions& options = EmuOptions::from_environment());
// One that checks and counts launches but runs none.
std::unique_ptr<Backend> make_dry_emu_backend(std::string_view engine);
DeviceInfo emu_device_info();

}  // namespace fovea
