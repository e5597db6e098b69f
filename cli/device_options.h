// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <string>

#include "cli/arguments.h"
#include "core/backend/backend.h"

namespace fovea::cli {

struct DeviceOptions {
  std::string device = "auto";
  std::string engine = {};  // empty: the device's own default
};

void declare(Arguments& arguments, DeviceOptions& options);
std::unique_ptr<Backend> open(const DeviceOptions& options);
// The same device to plan for, not to compute on (core/backend/device_list.h).
std::unique_ptr<Backend> open_dry(const DeviceOptions& options);

// "emu:native" -> "emu" and "native"; a device with one engine names it like itself.
std::string device_of(const Backend& backend);
std::string engine_of(const Backend& backend);

}  // namespace fovea::cli
