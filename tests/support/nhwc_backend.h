// SPDX-License-Identifier: Apache-2.0
//
// A device whose images lie in NHWC in tests: "emu:native@reverse@nhwc". It is the device; execute() (op_call.h) gives its
// engines the images of a call in that layout and brings the results back, so that every table of cases runs there too.
#pragma once
#include <memory>

#include "core/backend/backend.h"

namespace fovea::test {

std::unique_ptr<Backend> make_nhwc_backend(std::unique_ptr<Backend> device);

// How images lie on a device in tests: nhwc on one that was made by the above, else nchw.
Layout image_layout(const Backend& device);

}  // namespace fovea::test
