// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <span>
#include <string>

#include "core/tensor/tensor.h"

namespace fovea {

// Reads a JPEG, PNG or PGM/PPM (P2, P5, P6) file as u8 [C, H, W], C = 1 or 3, by the file's magic bytes.
// JPEG: turned upright as EXIF says; grey stays grey; CMYK and YCCK become RGB by (255 - c)(255 - k) / 255, their values
// inverted where Adobe's marker says so; colour profiles do not count; a warning of libjpeg is an error. PNG: alpha is
// composed on white, 16 bits are cut to 8, palettes are expanded. Throws InputError: not such a file, damaged, more than
// 2^26 pixels, a JPEG of more than 100 scans.
Tensor read_image(const std::string& path);
// The same from the bytes of a file; `path` is for messages.
Tensor decode_image(const std::string& path, std::span<const std::byte> bytes);

// What happens to an image of other proportions than the sample's.
enum class ImageFit {
  crop,    // the shorter side is fitted, and what the longer one has too much is cut off on both ends
  stretch  // proportions are not kept
};

// The image as a net expects it, u8 {C, H, W} of `sample_shape`: RGB <-> grey by Rec. 601 luma, bilinear resize with
// antialiasing when sizes differ (what Pillow's BILINEAR does with `box`, without its rounding to 8 bits between the two
// axes). Throws InputError when the image is not u8 with 1 or 3 channels or the shape does not ask for 1 or 3.
Tensor fit_image(const Tensor& image, const Shape& sample_shape, ImageFit fit = ImageFit::stretch);

// Writes a u8 [C, H, W] host tensor, C = 1 or 3, as PNG. The same pixels give the same bytes with one zlib.
void write_png(const std::string& path, const Tensor& image);

}  // namespace fovea
