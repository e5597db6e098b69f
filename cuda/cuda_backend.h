// SPDX-License-Identifier: Apache-2.0
//
// The GPU. No CUDA types here, so that users need no toolkit headers.
#pragma once
#include <memory>
#include <string_view>

#include "core/backend/backend.h"
#include "core/backend/device_list.h"

namespace fovea {

// `engine`: "native", "direct", "native-fp32x3", "library", "library-tf32", or "auto", which chooses layer by layer between native and
// library (core/tuning) and is native where nothing was chosen. Throws InputError for another, DeviceError when there
// is no such GPU or the engine's libraries cannot be loaded.
std::unique_ptr<Backend> make_cuda_backend(int index, std::string_view engine);
// One that checks and counts launches but runs none.
std::unique_ptr<Backend> make_dry_cuda_backend(int index, std::string_view engine);
// Asks the driver; never throws: what is missing is in the details.
DeviceInfo cuda_device_info();

}  // namespace fovea
