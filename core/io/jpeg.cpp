// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <bit>
#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <vector>
// After <cstdio>: it needs FILE.
#include <jpeglib.h>
// After jpeglib.h.
#include <jerror.h>

#include "core/io/exif.h"
#include "core/io/image_formats.h"
#include "core/support/error.h"

#ifndef JCS_EXTENSIONS
#error "expected the libjpeg of libjpeg-turbo"
#endif

namespace fovea {
namespace {

// libjpeg's own error manager calls exit(). This one jumps, and a jump runs no destructors: every function it can jump
// out of holds plain data only, namely this struct, owned by a C++ frame above.
struct JpegReading {
  jpeg_decompress_struct jpeg{};
  jpeg_error_mgr errors{};
  jpeg_progress_mgr progress{};
  std::jmp_buf jump{};
  const std::byte* data = nullptr;
  std::size_t size = 0;
  char message[JMSG_LENGTH_MAX] = {};
};

JpegReading* reading_of(j_common_ptr jpeg) { return static_cast<JpegReading*>(jpeg->client_data); }

[[noreturn]] void on_error(j_common_ptr jpeg) {
  if (jpeg->err->msg_code == JERR_NO_BACKING_STORE) {
    std::snprintf(reading_of(jpeg)->message, JMSG_LENGTH_MAX, "it takes more than %ld MiB to decode",
                  max_jpeg_memory >> 20);
  } else {
    jpeg->err->format_message(jpeg, reading_of(jpeg)->message);
  }
  std::longjmp(reading_of(jpeg)->jump, 1);
}
// Level -1 is a warning: data that libjpeg would replace by grey. Above it are traces.
void on_message(j_common_ptr jpeg, int level) {
  if (level < 0) on_error(jpeg);
}
void print_nothing(j_common_ptr) {}

// Called often while scans are read. A small progressive file can hold thousands of scans of a large image.
void on_progress(j_common_ptr jpeg) {
  if (reinterpret_cast<j_decompress_ptr>(jpeg)->input_scan_number <= max_jpeg_scans) return;
  std::snprintf(reading_of(jpeg)->message, JMSG_LENGTH_MAX, "more than %d scans", max_jpeg_scans);
  std::longjmp(reading_of(jpeg)->jump, 1);
}

bool read_header(JpegReading* r) {
  r->jpeg.err = jpeg_std_error(&r->errors);
  r->errors.error_exit = on_error;
  r->errors.emit_message = on_message;
  r->errors.output_message = print_nothing;
  r->jpeg.client_data = r;
  r->progress.progress_monitor = on_progress;
  if (setjmp(r->jump)) return false;
  jpeg_create_decompress(&r->jpeg);
  r->jpeg.client_data = r;
  r->jpeg.progress = &r->progress;
  r->jpeg.mem->max_memory_to_use = max_jpeg_memory;
  jpeg_mem_src(&r->jpeg, reinterpret_cast<const unsigned char*>(r->data), r->size);
  jpeg_save_markers(&r->jpeg, JPEG_APP0 + 1, 0xFFFF);
  jpeg_read_header(&r->jpeg, TRUE);
  return true;
}

bool start(JpegReading* r) {
  if (setjmp(r->jump)) return false;
  jpeg_start_decompress(&r->jpeg);
  return true;
}

// Up to `count` rows of `row_bytes` each, one after another; the number read, or -1.
int read_rows(JpegReading* r, JSAMPLE* out, std::size_t row_bytes, int count) {
  if (setjmp(r->jump)) return -1;
  JSAMPROW rows[16];
  for (int i = 0; i < count; ++i) rows[i] = out + static_cast<std::size_t>(i) * row_bytes;
  return static_cast<int>(jpeg_read_scanlines(&r->jpeg, rows, static_cast<JDIMENSION>(count)));
}

bool finish(JpegReading* r) {
  if (setjmp(r->jump)) return false;
  jpeg_finish_decompress(&r->jpeg);
  return true;
}

struct JpegCloser {
  JpegReading* reading;
  ~JpegCloser() { jpeg_destroy_decompress(&reading->jpeg); }
};

// Printers' ink to RGB: ink c under black k lets (255 - c)(255 - k) / 255 through.
void rgb_from_cmyk(std::uint8_t* pixels, std::size_t count, bool inverted) {
  std::uint8_t* out = pixels;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint8_t* in = pixels + 4 * i;
    const unsigned light = inverted ? in[3] : 255u - in[3];
    for (int c = 0; c < 3; ++c) {
      const unsigned through = inverted ? in[c] : 255u - in[c];
      *out++ = static_cast<std::uint8_t>((through * light + 127u) / 255u);
    }
  }
}

// Red, green, blue and a byte of nothing, to planes: words are faster to take apart than groups of three.
void split_words(const std::uint8_t* pixels, std::size_t count, std::uint8_t* out, std::size_t plane) {
  constexpr bool little = std::endian::native == std::endian::little;
  std::uint8_t* __restrict red = out, * __restrict green = out + plane, * __restrict blue = out + 2 * plane;
  for (std::size_t i = 0; i < count; ++i) {
    std::uint32_t word = 0;
    std::memcpy(&word, pixels + 4 * i, sizeof word);
    red[i] = static_cast<std::uint8_t>(word >> (little ? 0 : 24));
    green[i] = static_cast<std::uint8_t>(word >> (little ? 8 : 16));
    blue[i] = static_cast<std::uint8_t>(word >> (little ? 16 : 8));
  }
}

int exif_orientation(const std::string& path, const jpeg_decompress_struct& jpeg) {
  for (const jpeg_marker_struct* marker = jpeg.marker_list; marker != nullptr; marker = marker->next) {
    const std::span<const std::uint8_t> bytes(marker->data, marker->data_length);
    if (is_exif(bytes)) return read_orientation(path, bytes);
  }
  return 1;
}

}  // namespace

bool is_jpeg(std::span<const std::byte> bytes) {
  return bytes.size() >= 3 && bytes[0] == std::byte{0xFF} && bytes[1] == std::byte{0xD8} && bytes[2] == std::byte{0xFF};
}

Tensor decode_jpeg(const std::string& path, std::span<const std::byte> bytes) {
  JpegReading reading;
  reading.data = bytes.data();
  reading.size = bytes.size();
  const JpegCloser closer{&reading};
  const auto check = [&](bool ok) {
    require(ok, [&] { return fmt::format("{}: damaged JPEG: {}", path, reading.message); });
  };
  check(read_header(&reading));
  jpeg_decompress_struct& jpeg = reading.jpeg;
  require_image_size(path, jpeg.image_width, jpeg.image_height);
  require(!jpeg.arith_code, [&] { return fmt::format("{}: an arithmetic-coded JPEG; expected Huffman coding", path); });
  // Each 8x8 block of a component takes a bit at least, and the largest component has a quarter of all blocks at least:
  // a small file that claims a large image is refused before the image is allocated.
  const std::uint64_t pixels = std::uint64_t{jpeg.image_width} * jpeg.image_height;
  require(pixels / 2048 <= bytes.size(), [&] {
    return fmt::format("{}: damaged JPEG: {} bytes cannot hold {} x {} pixels", path, bytes.size(), jpeg.image_width,
                       jpeg.image_height);
  });
  bool cmyk = false;
  switch (jpeg.jpeg_color_space) {
    case JCS_GRAYSCALE:
      jpeg.out_color_space = JCS_GRAYSCALE;
      break;
    case JCS_YCbCr:
    case JCS_RGB:
      jpeg.out_color_space = JCS_EXT_RGBX;
      break;
    case JCS_CMYK:
    case JCS_YCCK:
      jpeg.out_color_space = JCS_CMYK;
      cmyk = true;
      break;
    default:
      throw InputError(
          fmt::format("{}: a JPEG of {} components in no known colour space; expected grey, YCbCr, RGB, "
                      "CMYK or YCCK",
                      path, jpeg.num_components));
  }
  const int orientation = exif_orientation(path, jpeg);
  check(start(&reading));

  const std::size_t width = jpeg.output_width, height = jpeg.output_height;
  const auto stored = static_cast<std::size_t>(jpeg.output_components);
  const std::size_t channels = stored == 1 ? 1 : 3;
  // A band of rows at a time, so that it is still in the cache when its channels are taken apart.
  constexpr int band = 16;
  std::vector<JSAMPLE> rows(band * width * stored);
  Tensor image(
      Shape{static_cast<std::int64_t>(channels), static_cast<std::int64_t>(height), static_cast<std::int64_t>(width)},
      DType::u8);
  std::uint8_t* const out = image.span<std::uint8_t>().data();
  for (std::size_t row = 0; row < height;) {
    const int got = read_rows(&reading, rows.data(), width * stored, band);
    check(got > 0);
    const std::size_t count = static_cast<std::size_t>(got) * width, at = row * width, area = width * height;
    if (cmyk) rgb_from_cmyk(rows.data(), count, jpeg.saw_Adobe_marker != 0);
    if (cmyk || channels == 1) {
      split_channels(rows.data(), count, channels, out + at, area);
    } else {
      split_words(rows.data(), count, out + at, area);
    }
    row += static_cast<std::size_t>(got);
  }
  check(finish(&reading));
  return orientation == 1 ? image : oriented(image, orientation);
}

}  // namespace fovea
