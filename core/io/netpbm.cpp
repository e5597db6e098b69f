// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <vector>

#include "core/io/image_formats.h"
#include "core/support/error.h"

namespace fovea {
namespace {

// Walks over a PGM or PPM file: "P5 width height maximum", one white space, then the samples; '#' starts a comment.
class NetpbmReader {
 public:
  NetpbmReader(const std::string& path, std::span<const std::byte> bytes) : path_(path), bytes_(bytes), at_(2) {}

  std::uint64_t number(std::string_view what, std::uint64_t most) {
    skip_space();
    require(at_ < bytes_.size() && is_digit(here()), [&] {
      return at_ < bytes_.size() ? fmt::format("{}: {}: expected a number at byte {}", path_, what, at_)
                                 : fmt::format("{}: truncated: {} is missing", path_, what);
    });
    std::uint64_t value = 0;
    for (; at_ < bytes_.size() && is_digit(here()); ++at_) {
      value = value * 10 + static_cast<std::uint64_t>(here() - '0');
      require(value <= most, [&] { return fmt::format("{}: {} is above {}", path_, what, most); });
    }
    return value;
  }
  // The white space that ends the header of a binary file.
  void end_header() {
    require(at_ < bytes_.size() && is_space(here()),
            [&] { return fmt::format("{}: expected white space after the header, at byte {}", path_, at_); });
    ++at_;
  }
  std::span<const std::byte> rest() const { return bytes_.subspan(at_); }
  bool only_space_left() {
    skip_space();
    return at_ == bytes_.size();
  }

 private:
  char here() const { return static_cast<char>(bytes_[at_]); }
  static bool is_digit(char c) { return c >= '0' && c <= '9'; }
  static bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
  void skip_space() {
    while (at_ < bytes_.size() && (is_space(here()) || here() == '#')) {
      if (here() == '#') {
        while (at_ < bytes_.size() && here() != '\n') ++at_;
      } else {
        ++at_;
      }
    }
  }

  const std::string& path_;
  std::span<const std::byte> bytes_;
  std::size_t at_;
};

}  // namespace

bool is_netpbm(std::span<const std::byte> bytes) {
  if (bytes.size() < 2 || bytes[0] != std::byte{'P'}) return false;
  return bytes[1] == std::byte{'2'} || bytes[1] == std::byte{'5'} || bytes[1] == std::byte{'6'};
}

Tensor decode_netpbm(const std::string& path, std::span<const std::byte> bytes) {
  const bool text = bytes[1] == std::byte{'2'};
  const std::uint64_t channels = bytes[1] == std::byte{'6'} ? 3 : 1;
  NetpbmReader reader(path, bytes);
  const std::uint64_t width = reader.number("the width", 0xFFFFFFFF), height = reader.number("the height", 0xFFFFFFFF);
  require_image_size(path, width, height);
  const std::uint64_t maximum = reader.number("the maximum", 65535);
  require(maximum > 0, [&] { return fmt::format("{}: the maximum is 0; expected 1 to 65535", path); });
  if (!text) reader.end_header();

  const std::uint64_t samples = width * height * channels, sample_bytes = maximum > 255 ? 2 : 1;
  const std::uint64_t have = reader.rest().size();
  // Text takes at least a digit and a space for each sample but the last.
  const std::uint64_t need = text ? 2 * samples - 1 : samples * sample_bytes;
  require(have >= need, [&] {
    return fmt::format("{}: truncated: {} x {} pixels need {}{} bytes, got {}", path, width, height,
                       text ? "at least " : "", need, have);
  });
  require(text || have == need,
          [&] { return fmt::format("{}: {} bytes follow the {} x {} pixels", path, have - need, width, height); });

  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(samples));
  const std::span<const std::byte> data = reader.rest();
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    std::uint64_t value = 0;
    if (text) {
      value = reader.number("a sample", 65535);
    } else if (sample_bytes == 1) {
      value = std::to_integer<std::uint64_t>(data[i]);
    } else {
      value = std::to_integer<std::uint64_t>(data[2 * i]) << 8 | std::to_integer<std::uint64_t>(data[2 * i + 1]);
    }
    require(value <= maximum,
            [&] { return fmt::format("{}: sample {} is {}, above the maximum {}", path, i, value, maximum); });
    pixels[i] = static_cast<std::uint8_t>((value * 255 + maximum / 2) / maximum);
  }
  require(!text || reader.only_space_left(),
          [&] { return fmt::format("{}: more follows the {} x {} pixels", path, width, height); });
  return planes_from_interleaved(pixels, static_cast<std::int64_t>(channels), static_cast<std::int64_t>(height),
                                 static_cast<std::int64_t>(width));
}

}  // namespace fovea
