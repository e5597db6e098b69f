// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace fovea::cli {

struct IntegerLimits {
  std::int64_t low = 0;
  std::int64_t high = std::numeric_limits<std::int32_t>::max();
};

// Finite numbers only.
struct RealLimits {
  double low = 0;
  double high = std::numeric_limits<float>::max();
  bool high_included = true;
};

// Read the whole of `text`. Throw InputError "WHAT: expected a whole number from 1 to 2147483647, got '1e3'".
std::int64_t parse_integer(std::string_view what, std::string_view text, IntegerLimits limits);
// Bytes: a whole number of at least 1, with K, M, G or T behind it for powers of 1024.
std::size_t parse_bytes(std::string_view what, std::string_view text);
double parse_real(std::string_view what, std::string_view text, RealLimits limits);

}  // namespace fovea::cli
