// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>
#include <png.h>

#include <csetjmp>
#include <cstring>
#include <vector>

#include "core/io/file.h"
#include "core/io/image.h"
#include "core/io/image_formats.h"
#include "core/support/error.h"

namespace fovea {
namespace {

// libpng reports errors by a jump that runs no destructors. So every function it can jump out of holds plain data only:
// this struct, owned by a C++ frame above.
struct PngReading {
  png_structp png = nullptr;
  png_infop info = nullptr;
  const std::byte* data = nullptr;
  std::size_t size = 0, position = 0;
  char message[160] = {};
};

void on_error(png_structp png, png_const_charp message) {
  auto* reading = static_cast<PngReading*>(png_get_error_ptr(png));
  std::strncpy(reading->message, message, sizeof reading->message - 1);
  png_longjmp(png, 1);
}
// What libpng only warns of (an odd colour profile, say) does not change the pixels.
void on_warning(png_structp, png_const_charp) {}

void on_read(png_structp png, png_bytep out, std::size_t bytes) {
  auto* reading = static_cast<PngReading*>(png_get_io_ptr(png));
  if (bytes > reading->size - reading->position) png_error(png, "truncated");
  std::memcpy(out, reading->data + reading->position, bytes);
  reading->position += bytes;
}

bool start(PngReading* reading) {
  reading->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, reading, on_error, on_warning);
  if (reading->png == nullptr) return false;
  if (setjmp(png_jmpbuf(reading->png))) return false;
  reading->info = png_create_info_struct(reading->png);
  if (reading->info == nullptr) png_error(reading->png, "out of memory");
  png_set_user_limits(reading->png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);  // require_image_size decides
  png_set_chunk_malloc_max(reading->png, 8u << 20);
  png_set_crc_action(reading->png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
  png_set_read_fn(reading->png, reading, on_read);
  png_read_info(reading->png, reading->info);
  return true;
}

// 8 bits a channel: grey, grey and alpha, RGB, or RGB and alpha.
bool choose_output(PngReading* reading) {
  if (setjmp(png_jmpbuf(reading->png))) return false;
  png_set_expand(reading->png);    // palettes, 1, 2 and 4 bits, transparent colours
  png_set_strip_16(reading->png);  // the upper byte
  png_set_interlace_handling(reading->png);
  png_read_update_info(reading->png, reading->info);
  return true;
}

bool read_rows(PngReading* reading, png_bytep* rows) {
  if (setjmp(png_jmpbuf(reading->png))) return false;
  png_read_image(reading->png, rows);
  png_read_end(reading->png, nullptr);
  return true;
}

struct PngCloser {
  PngReading* reading;
  ~PngCloser() {
    if (reading->png != nullptr) png_destroy_read_struct(&reading->png, &reading->info, nullptr);
  }
};

}  // namespace

bool is_png(std::span<const std::byte> bytes) {
  return bytes.size() >= 8 && png_sig_cmp(reinterpret_cast<png_const_bytep>(bytes.data()), 0, 8) == 0;
}

Tensor decode_png(const std::string& path, std::span<const std::byte> bytes) {
  PngReading reading;
  reading.data = bytes.data();
  reading.size = bytes.size();
  const PngCloser closer{&reading};
  const auto check = [&](bool ok) {
    require(ok, [&] { return fmt::format("{}: damaged PNG: {}", path, reading.message); });
  };
  check(start(&reading));
  const std::uint64_t width = png_get_image_width(reading.png, reading.info);
  const std::uint64_t height = png_get_image_height(reading.png, reading.info);
  require_image_size(path, width, height);
  // Deflate cannot shrink data more than 1032 times, so a small file that claims a large image is refused before the
  // image is allocated.
  const std::uint64_t packed = png_get_rowbytes(reading.png, reading.info) * height;
  require(packed / 1032 <= bytes.size(), [&] {
    return fmt::format("{}: damaged PNG: {} bytes cannot hold {} x {} pixels", path, bytes.size(), width, height);
  });
  check(choose_output(&reading));

  const std::size_t row_bytes = png_get_rowbytes(reading.png, reading.info);
  const std::size_t stored = png_get_channels(reading.png, reading.info);
  std::vector<std::uint8_t> pixels(row_bytes * height);
  std::vector<png_bytep> rows(height);
  for (std::size_t row = 0; row < height; ++row) rows[row] = pixels.data() + row * row_bytes;
  check(read_rows(&reading, rows.data()));

  const bool alpha = stored == 2 || stored == 4;
  const std::size_t channels = alpha ? stored - 1 : stored;
  if (alpha) {
    std::size_t out = 0;
    for (std::size_t i = 0; i < pixels.size(); i += stored) {
      const unsigned opacity = pixels[i + channels];
      for (std::size_t c = 0; c < channels; ++c) {
        pixels[out++] = static_cast<std::uint8_t>((pixels[i + c] * opacity + 255u * (255u - opacity) + 127u) / 255u);
      }
    }
    pixels.resize(out);
  }
  return planes_from_interleaved(pixels, static_cast<std::int64_t>(channels), static_cast<std::int64_t>(height),
                                 static_cast<std::int64_t>(width));
}

void write_png(const std::string& path, const Tensor& image) {
  require(image.on_host() && image.dtype() == DType::u8 && image.shape().rank() == 3 && image.elements() > 0 &&
              (image.shape()[0] == 1 || image.shape()[0] == 3),
          [&] {
            return fmt::format("{}: expected a u8 image [1 or 3, H, W] in host memory, got {} {}", path,
                               name_of(image.dtype()), image.shape().to_string());
          });
  const auto channels = static_cast<std::size_t>(image.shape()[0]);
  const std::size_t area = static_cast<std::size_t>(image.elements()) / channels;
  const std::span<const std::uint8_t> planes = image.span<std::uint8_t>();
  std::vector<std::uint8_t> pixels(planes.size());
  for (std::size_t i = 0; i < area; ++i) {
    for (std::size_t c = 0; c < channels; ++c) pixels[i * channels + c] = planes[c * area + i];
  }
  // libpng's simplified interface returns its errors.
  png_image png{};
  png.version = PNG_IMAGE_VERSION;
  png.width = static_cast<png_uint_32>(image.shape()[2]);
  png.height = static_cast<png_uint_32>(image.shape()[1]);
  png.format = channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(png);
  std::vector<std::byte> bytes(size);
  const int ok = png_image_write_to_memory(&png, bytes.data(), &size, 0, pixels.data(), 0, nullptr);
  require(ok != 0, [&] { return fmt::format("{}: cannot make a PNG: {}", path, png.message); });
  const std::span<const std::byte> piece(bytes.data(), size);
  write_file_atomically(path, std::span(&piece, 1));
}

}  // namespace fovea
