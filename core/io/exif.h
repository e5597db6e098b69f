// SPDX-License-Identifier: Apache-2.0
//
// The one field of EXIF that changes pixels: how the camera was held (TIFF tag 0x0112).
#pragma once
#include <cstdint>
#include <span>
#include <string>

#include "core/tensor/tensor.h"

namespace fovea {

// True when the data of an APP1 marker are EXIF's.
bool is_exif(std::span<const std::uint8_t> marker);

// The orientation, 1 (upright) to 8; 1 when the tag is absent or 0 (unknown). Throws InputError that starts with `path`
// when the directory cannot be read or the value is none of these.
int read_orientation(const std::string& path, std::span<const std::uint8_t> marker);

// The image [C, H, W] turned upright: 2 mirrored, 3 upside down, 4 mirrored upside down, 5 to 8 with H and W exchanged.
Tensor oriented(const Tensor& image, int orientation);

}  // namespace fovea
