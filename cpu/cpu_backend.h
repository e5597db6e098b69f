// SPDX-License-Identifier: Apache-2.0
//
// The host's processor at full speed: oneDNN on host memory, and the reference for what the engine lacks. No oneDNN
// types here, so that users need none of its headers.
#pragma once
#include <memory>
#include <string_view>

#include "core/backend/backend.h"
#include "core/backend/device_list.h"

namespace fovea {

// `engine`: "onednn", also called "native" and "auto", or "reference". Throws InputError for another. From the first call
// on all parallel loops of the process run on OpenMP's threads, which are oneDNN's.
std::unique_ptr<Backend> make_cpu_backend(std::string_view engine);
DeviceInfo cpu_device_info();

}  // namespace fovea
