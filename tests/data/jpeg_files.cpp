// SPDX-License-Identifier: Apache-2.0
#include "tests/data/jpeg_files.h"

#include <cstdio>
#include <cstdlib>
// After <cstdio>: it needs FILE.
#include <jpeglib.h>

namespace fovea::test {
namespace {

// The luminance first, then the same coefficient again and again: what a file that wants to cost time would do.
std::vector<jpeg_scan_info> many_scans(int scans) {
  std::vector<jpeg_scan_info> script;
  script.push_back({1, {0, 0, 0, 0}, 0, 0, 0, 0});
  // One coefficient a scan, each first with 13 bits missing and then bit by bit.
  for (int coefficient = 1; coefficient < 64 && static_cast<int>(script.size()) < scans; ++coefficient) {
    for (int bit = 10; bit >= 0 && static_cast<int>(script.size()) < scans; --bit) {
      script.push_back({1, {0, 0, 0, 0}, coefficient, coefficient, bit == 10 ? 0 : bit + 1, bit});
    }
  }
  return script;
}

}  // namespace

Bytes encode_jpeg(unsigned width, unsigned height, const JpegKind& kind, const Bytes& pixels) {
  jpeg_compress_struct jpeg{};
  jpeg_error_mgr errors{};
  jpeg.err = jpeg_std_error(&errors);
  jpeg_create_compress(&jpeg);
  unsigned char* out = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&jpeg, &out, &size);
  jpeg.image_width = width;
  jpeg.image_height = height;
  jpeg.input_components = kind.components;
  jpeg.in_color_space = kind.components == 1 ? JCS_GRAYSCALE : kind.components == 3 ? JCS_RGB : JCS_CMYK;
  jpeg_set_defaults(&jpeg);
  if (kind.components == 4) {
    jpeg_set_colorspace(&jpeg, kind.ycck ? JCS_YCCK : JCS_CMYK);
    jpeg.write_Adobe_marker = kind.adobe ? TRUE : FALSE;
  }
  jpeg_set_quality(&jpeg, kind.quality, TRUE);
  jpeg.arith_code = kind.arithmetic ? TRUE : FALSE;
  if (kind.progressive) jpeg_simple_progression(&jpeg);
  const std::vector<jpeg_scan_info> script = many_scans(kind.scans);
  if (kind.scans > 0) {
    jpeg.scan_info = script.data();
    jpeg.num_scans = static_cast<int>(script.size());
  }
  jpeg_start_compress(&jpeg, TRUE);
  if (!kind.app1.empty()) {
    jpeg_write_marker(&jpeg, JPEG_APP0 + 1, kind.app1.data(), static_cast<unsigned>(kind.app1.size()));
  }
  const std::size_t row_bytes = std::size_t{width} * static_cast<unsigned>(kind.components);
  for (unsigned row = 0; row < height; ++row) {
    JSAMPROW line = const_cast<JSAMPROW>(pixels.data() + row * row_bytes);
    jpeg_write_scanlines(&jpeg, &line, 1);
  }
  jpeg_finish_compress(&jpeg);
  jpeg_destroy_compress(&jpeg);
  Bytes bytes(out, out + size);
  std::free(out);
  return bytes;
}

Bytes exif_block(unsigned orientation, bool big_endian) {
  Bytes b{'E', 'x', 'i', 'f', 0, 0};
  const auto u16 = [&](unsigned v) {
    const auto high = static_cast<std::uint8_t>(v >> 8), low = static_cast<std::uint8_t>(v);
    b.push_back(big_endian ? high : low);
    b.push_back(big_endian ? low : high);
  };
  const auto u32 = [&](unsigned v) {
    u16(big_endian ? v >> 16 : v & 0xFFFF);
    u16(big_endian ? v & 0xFFFF : v >> 16);
  };
  b.insert(b.end(), 2, big_endian ? 'M' : 'I');
  u16(42);
  u32(8);
  u16(2);  // entries: the maker, then the orientation
  u16(0x010F), u16(2), u32(4), u32(0x41424300);
  u16(0x0112), u16(3), u32(1), u16(orientation), u16(0);
  u32(0);
  return b;
}

Bytes smooth_pixels(unsigned width, unsigned height, unsigned components) {
  Bytes pixels;
  for (unsigned y = 0; y < height; ++y) {
    for (unsigned x = 0; x < width; ++x) {
      for (unsigned c = 0; c < components; ++c) {
        pixels.push_back(static_cast<std::uint8_t>(40 + 120 * x / width + 60 * y / height + 10 * c));
      }
    }
  }
  return pixels;
}

}  // namespace fovea::test
