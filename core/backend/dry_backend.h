// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>

#include "core/backend/backend.h"

namespace fovea {

// A device that plans as `device` does, but whose operations are counted and not computed: for devices that count one
// for each call of an operation, as those on host memory do. Its engines may be given tensors at any address.
std::unique_ptr<Backend> make_dry_backend(std::unique_ptr<Backend> device);

}  // namespace fovea
