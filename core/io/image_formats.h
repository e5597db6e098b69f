// SPDX-License-Identifier: Apache-2.0
//
// The decoders behind read_image. `path` is for messages; `bytes` is the whole file.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "core/tensor/tensor.h"

namespace fovea {

inline constexpr std::int64_t max_image_pixels = std::int64_t{1} << 26;
inline constexpr int max_jpeg_scans = 100;                   // real progressive files have about ten
inline constexpr long max_jpeg_memory = 512L * 1024 * 1024;  // the coefficients of the largest progressive RGB file fit

bool is_png(std::span<const std::byte> bytes);
bool is_jpeg(std::span<const std::byte> bytes);
bool is_netpbm(std::span<const std::byte> bytes);  // P2, P5, P6
Tensor decode_png(const std::string& path, std::span<const std::byte> bytes);
Tensor decode_jpeg(const std::string& path, std::span<const std::byte> bytes);
Tensor decode_netpbm(const std::string& path, std::span<const std::byte> bytes);

// Throws InputError: no pixels, or more than max_image_pixels.
void require_image_size(const std::string& path, std::uint64_t width, std::uint64_t height);

// `count` pixels of `channels` bytes to planes that lie `plane` bytes apart.
void split_channels(const std::uint8_t* pixels, std::size_t count, std::size_t channels, std::uint8_t* out,
                    std::size_t plane);

// H x W x C bytes, as files hold them, to C x H x W, as nets want them.
Tensor planes_from_interleaved(std::span<const std::uint8_t> pixels, std::int64_t channels, std::int64_t height,
                               std::int64_t width);

}  // namespace fovea
