// SPDX-License-Identifier: Apache-2.0
#include "cli/numbers.h"

#include <fmt/core.h>

#include <charconv>
#include <cmath>

#include "core/support/error.h"

namespace fovea::cli {
namespace {

// True when all of `text` is one number that fits T.
template <class T>
bool parse_all(std::string_view text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

std::int64_t parse_integer(std::string_view what, std::string_view text, IntegerLimits limits) {
  std::int64_t value = 0;
  require(parse_all(text, value) && value >= limits.low && value <= limits.high, [&] {
    return fmt::format("{}: expected a whole number from {} to {}, got '{}'", what, limits.low, limits.high, text);
  });
  return value;
}

std::size_t parse_bytes(std::string_view what, std::string_view text) {
  constexpr std::string_view units = "KMGT";
  const std::size_t unit = text.empty() ? std::string_view::npos : units.find(text.back());
  std::size_t number = 0, bytes = 0;
  const bool right = parse_all(text.substr(0, text.size() - (unit != std::string_view::npos)), number) && number > 0 &&
                     !__builtin_mul_overflow(number, std::size_t{1} << 10 * (unit + 1), &bytes);
  require(right, [&] {
    return fmt::format(
        "{}: expected bytes, at least 1: 2000000000, or 512M or 2G with K, M, G or T for powers of 1024, got '{}'",
        what, text);
  });
  return bytes;
}

double parse_real(std::string_view what, std::string_view text, RealLimits limits) {
  double value = 0;
  const bool number = parse_all(text, value) && std::isfinite(value);
  require(number && value >= limits.low && (limits.high_included ? value <= limits.high : value < limits.high), [&] {
    std::string range = fmt::format("a number of at least {}", limits.low);
    if (limits.high < std::numeric_limits<float>::max()) {
      range += fmt::format("{}{}", limits.high_included ? " and at most " : " and below ", limits.high);
    }
    return fmt::format("{}: expected {}, got '{}'", what, range, text);
  });
  return value;
}

}  // namespace fovea::cli
