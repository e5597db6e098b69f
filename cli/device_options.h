// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/arguments.h"
#include "core/backend/backend.h"
#include "core/tensor/precision.h"

namespace fovea::cli {

struct DeviceOptions {
  std::string device = "auto";
  std::string engine = {};  // empty: the device's own default
};

void declare(Arguments& arguments, DeviceOptions& options);
// With tf32, cuda's engine library-tf32, with fp32x3, native-fp32x3 of cuda or emu; throws InputError when another device
// or engine was asked for.
std::unique_ptr<Backend> open(const DeviceOptions& options, std::optional<Precision> precision = {});
// The same device to plan for, not to compute on (core/backend/device_list.h).
std::unique_ptr<Backend> open_dry(const DeviceOptions& options, std::optional<Precision> precision);

std::vector<Precision> all_precisions();
// --precision with these choices; `value` stays as it is where it is not given.
void declare_precision(Arguments& arguments, std::string& value, const std::vector<Precision>& choices,
                       const std::string& help);

// "emu:native" -> "emu" and "native"; a device with one engine names it like itself.
std::string device_of(const Backend& backend);
std::string engine_of(const Backend& backend);

}  // namespace fovea::cli
