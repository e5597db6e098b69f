// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>

#include "core/data/npy.h"
#include "core/support/did_you_mean.h"
#include "core/support/error.h"

namespace fovea {
namespace {

constexpr std::string_view magic{"\x93NUMPY", 6};
constexpr std::size_t most_axes = 8, longest_header = 65536;

// The dictionary of a header: string keys; a string, True, False or a tuple of whole numbers as values.
class NpyHeaderReader {
 public:
  NpyHeaderReader(const std::string& path, std::string_view text) : path_(path), text_(text) {}

  void read(NpyHeader& header) {
    bool have_descr = false, have_order = false, have_shape = false;
    expect('{');
    while (!take('}')) {
      const std::string key = quoted();
      expect(':');
      const auto once = [&](bool& have) {
        check(!have, [&] { return fmt::format("'{}' is given twice", key); });
        have = true;
      };
      if (key == "descr") {
        once(have_descr);
        check(peek() == '\'' || peek() == '"', [] { return std::string("expected a plain type, got a record type"); });
        header.descr = quoted();
      } else if (key == "fortran_order") {
        once(have_order);
        check(!boolean(), [] { return std::string("the array is in Fortran order; expected C order"); });
      } else if (key == "shape") {
        once(have_shape);
        header.shape = tuple();
      } else {
        check(false, [&] {
          return fmt::format("unknown key '{}'{}; expected descr, fortran_order and shape", key,
                             did_you_mean(key, {"descr", "fortran_order", "shape"}));
        });
      }
      if (!take(',')) {
        expect('}');
        break;
      }
    }
    check(have_descr && have_order && have_shape,
          [] { return std::string("expected the keys descr, fortran_order and shape"); });
    skip_space();
    check(at_ == text_.size(), [&] { return fmt::format("more follows the dictionary, at byte {}", at_); });
  }

 private:
  template <class MessageFn>
  void check(bool ok, MessageFn&& message) const {
    require(ok, [&] { return fmt::format("{}: the header of the .npy file: {}", path_, message()); });
  }
  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t')) ++at_;
  }
  char peek() {
    skip_space();
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool take(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    check(take(c), [&] { return fmt::format("expected '{}' at byte {} of the dictionary", c, at_); });
  }
  std::string quoted() {
    const char quote = peek();
    check(quote == '\'' || quote == '"', [&] { return fmt::format("expected a string at byte {}", at_); });
    const std::size_t begin = ++at_, end = text_.find(quote, begin);
    check(end != std::string_view::npos, [] { return std::string("a string does not end"); });
    at_ = end + 1;
    const std::string_view value = text_.substr(begin, end - begin);
    check(std::ranges::all_of(value, [](char c) { return c >= ' ' && c <= '~' && c != '\\'; }),
          [] { return std::string("a string of other than plain characters"); });
    return std::string(value);
  }
  bool boolean() {
    skip_space();
    for (const auto& [word, value] : {std::pair<std::string_view, bool>{"True", true}, {"False", false}}) {
      if (text_.substr(at_, word.size()) != word) continue;
      at_ += word.size();
      return value;
    }
    check(false, [&] { return fmt::format("expected True or False at byte {}", at_); });
    return false;
  }
  std::vector<std::int64_t> tuple() {
    std::vector<std::int64_t> values;
    expect('(');
    while (!take(')')) {
      check(values.size() < most_axes, [] { return fmt::format("more than {} axes", most_axes); });
      skip_space();
      std::int64_t value = -1;
      const auto [end, fault] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
      check(fault == std::errc{} && value >= 0,
            [&] { return fmt::format("expected a whole number below 2^63 in the shape, at byte {}", at_); });
      at_ = static_cast<std::size_t>(end - text_.data());
      values.push_back(value);
      if (take(',')) continue;
      // Without a comma (5) is a number in Python, not a tuple.
      check(values.size() > 1, [] { return std::string("the shape is no tuple: a comma is missing"); });
      expect(')');
      break;
    }
    return values;
  }

  const std::string& path_;
  std::string_view text_;
  std::size_t at_ = 0;
};

std::size_t checked_item_bytes(const std::string& path, const std::string& descr) {
  const auto fail = [&](const std::string& what) {
    throw InputError(fmt::format("{}: elements of type '{}': {}", path, descr, what));
  };
  if (descr.find('O') != std::string::npos) fail("Python objects, which only unpickling could read; not supported");
  if (descr.size() != 3) fail("expected integers, floats or booleans such as '|u1', '<i8' or '<f4'");
  const char order = descr[0], kind = descr[1];
  const auto bytes = static_cast<std::size_t>(descr[2] - '0');
  const bool sized = kind == 'b' ? bytes == 1
                                 : (kind == 'f' ? bytes == 2 || bytes == 4 || bytes == 8
                                                : (kind == 'i' || kind == 'u') &&
                                                      (bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8));
  if (!sized) fail("expected integers, floats or booleans such as '|u1', '<i8' or '<f4'");
  if (order == '>' && bytes > 1) fail("big-endian; expected little-endian numbers");
  if (order != '<' && order != '|' && order != '>') fail("expected '<' or '|' before the type");
  if (order == '|' && bytes > 1) fail("the byte order is missing");
  return bytes;
}

}  // namespace

NpyHeader parse_npy_header(const std::string& path, std::span<const std::byte> start, std::uint64_t file_bytes) {
  const auto byte = [&](std::size_t i) { return std::to_integer<std::size_t>(start[i]); };
  require(start.size() >= 10 && std::equal(magic.begin(), magic.end(), reinterpret_cast<const char*>(start.data())),
          [&] { return fmt::format("{}: not a .npy file: expected to start with 93 'NUMPY' and a version", path); });
  const std::size_t major = byte(6), minor = byte(7);
  require(major >= 1 && major <= 3 && minor == 0,
          [&] { return fmt::format("{}: version {}.{}; expected 1.0, 2.0 or 3.0", path, major, minor); });
  const std::size_t before = major == 1 ? 10 : 12;
  std::uint64_t length = 0;
  if (start.size() >= before) {
    length = byte(8) | byte(9) << 8;
    if (major > 1) length |= byte(10) << 16 | byte(11) << 24;
  }
  require(start.size() >= before && length <= longest_header && before + length <= start.size(), [&] {
    return fmt::format("{}: truncated, or a header of {} bytes; expected at most {}", path, length, longest_header);
  });
  NpyHeader header;
  header.data_begin = before + static_cast<std::size_t>(length);
  const std::string_view text(reinterpret_cast<const char*>(start.data()) + before, static_cast<std::size_t>(length));
  NpyHeaderReader(path, text).read(header);
  header.item_bytes = checked_item_bytes(path, header.descr);

  std::uint64_t expected = header.item_bytes;
  for (const std::int64_t extent : header.shape) {
    const auto factor = static_cast<std::uint64_t>(extent);
    require(factor == 0 || expected <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) / factor,
            [&] { return fmt::format("{}: the shape ({}) overflows 63 bits", path, fmt::join(header.shape, ", ")); });
    expected *= factor;
  }
  require(file_bytes - header.data_begin == expected, [&] {
    return fmt::format("{}: the shape ({}) needs {} bytes of data, the file holds {}", path,
                       fmt::join(header.shape, ", "), expected, file_bytes - header.data_begin);
  });
  return header;
}

}  // namespace fovea
