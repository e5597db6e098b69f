// SPDX-License-Identifier: Apache-2.0
//
// The textbook loops of this folder as a device: one engine, "reference", on host memory, f32 or f64 (all views of a
// call alike). It is the truth that every other device is compared with.
#pragma once
#include <memory>

#include "core/backend/backend.h"
#include "core/backend/device_list.h"

namespace fovea {

std::unique_ptr<Backend> make_reference_backend();
DeviceInfo reference_device_info();

}  // namespace fovea
