// SPDX-License-Identifier: Apache-2.0
#include "core/io/exif.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "core/support/error.h"

namespace fovea {
namespace {

constexpr std::string_view signature{"Exif\0\0", 6};
constexpr std::uint32_t orientation_tag = 0x0112, type_short = 3, entry_bytes = 12;

// Numbers of a TIFF block, in its byte order; every access is checked.
class TiffBlock {
 public:
  TiffBlock(const std::string& path, std::span<const std::uint8_t> bytes) : path_(path), bytes_(bytes) {
    require(bytes.size() >= 8 && (bytes[0] == 'I' || bytes[0] == 'M') && bytes[0] == bytes[1],
            [&] { return fmt::format("{}: damaged EXIF: expected a TIFF header", path); });
    little_ = bytes[0] == 'I';
    require(u16(2) == 42, [&] { return fmt::format("{}: damaged EXIF: expected 42, got {}", path, u16(2)); });
  }
  std::uint32_t u16(std::size_t at) const {
    need(at, 2);
    return little_ ? bytes_[at] | bytes_[at + 1] << 8u : bytes_[at] << 8u | bytes_[at + 1];
  }
  std::uint32_t u32(std::size_t at) const {
    return little_ ? u16(at) | u16(at + 2) << 16u : u16(at) << 16u | u16(at + 2);
  }

 private:
  void need(std::size_t at, std::size_t bytes) const {
    require(at <= bytes_.size() && bytes_.size() - at >= bytes, [&] {
      return fmt::format("{}: damaged EXIF: byte {} lies behind the end of its {} bytes", path_, at, bytes_.size());
    });
  }

  const std::string& path_;
  std::span<const std::uint8_t> bytes_;
  bool little_ = false;
};

}  // namespace

bool is_exif(std::span<const std::uint8_t> marker) {
  return marker.size() >= signature.size() && std::equal(signature.begin(), signature.end(), marker.begin());
}

int read_orientation(const std::string& path, std::span<const std::uint8_t> marker) {
  const TiffBlock tiff(path, marker.subspan(signature.size()));
  const std::size_t directory = tiff.u32(4);
  const std::uint32_t entries = tiff.u16(directory);
  for (std::uint32_t i = 0; i < entries; ++i) {
    const std::size_t entry = directory + 2 + std::size_t{i} * entry_bytes;
    if (tiff.u16(entry) != orientation_tag) continue;
    const std::uint32_t type = tiff.u16(entry + 2), count = tiff.u32(entry + 4), value = tiff.u16(entry + 8);
    require(type == type_short && count == 1 && value <= 8, [&] {
      return fmt::format("{}: damaged EXIF: expected an orientation from 1 to 8, got {} (type {}, {} values)", path,
                         value, type, count);
    });
    return value == 0 ? 1 : static_cast<int>(value);
  }
  return 1;
}

Tensor oriented(const Tensor& image, int orientation) {
  const std::int64_t C = image.shape()[0], H = image.shape()[1], W = image.shape()[2];
  const bool exchanged = orientation >= 5;
  Tensor result(exchanged ? Shape{C, W, H} : image.shape(), DType::u8);
  const std::uint8_t* in = image.span<std::uint8_t>().data();
  std::uint8_t* out = result.span<std::uint8_t>().data();
  // Where the stored picture's rows and columns go to: mirrored along the width, along the height, exchanged.
  const bool mirror_w = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool mirror_h = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  for (std::int64_t c = 0; c < C; ++c) {
    for (std::int64_t h = 0; h < H; ++h) {
      const std::int64_t to_h = mirror_h ? H - 1 - h : h;
      for (std::int64_t w = 0; w < W; ++w) {
        const std::int64_t to_w = mirror_w ? W - 1 - w : w;
        const std::int64_t at = exchanged ? to_w * H + to_h : to_h * W + to_w;
        out[c * H * W + at] = *in++;
      }
    }
  }
  return result;
}

}  // namespace fovea
