// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

#include "core/tensor/tensor.h"

namespace fovea {

// Reads a PNG or a PGM/PPM (P2, P5, P6) file as u8 [C, H, W], C = 1 or 3, by the file's magic bytes. PNG: alpha is
// composed on white, 16 bits are cut to 8, palettes are expanded. Throws InputError: not such a file, damaged, more
// than 2^26 pixels.
Tensor read_image(const std::string& path);

// The image as a net expects it, u8 {C, H, W} of `sample_shape`: RGB <-> grey by Rec. 601 luma, bilinear resize with
// antialiasing when sizes differ (what Pillow's BILINEAR does; proportions are not kept). Throws InputError when the
// image is not u8 with 1 or 3 channels or the shape does not ask for 1 or 3.
Tensor fit_image(const Tensor& image, const Shape& sample_shape);

// Writes a u8 [C, H, W] host tensor, C = 1 or 3, as PNG. The same pixels give the same bytes with one zlib.
void write_png(const std::string& path, const Tensor& image);

}  // namespace fovea
