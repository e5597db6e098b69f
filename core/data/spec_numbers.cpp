// SPDX-License-Identifier: Apache-2.0
#include "core/data/spec_numbers.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

namespace fovea {

InputError SpecNumbers::error(const std::string& what) const {
  return InputError(fmt::format("{}:{}: {}; expected {}", kind_, arguments_, what, form_));
}

std::int64_t SpecNumbers::next(std::string_view name, std::int64_t low, std::int64_t high, char separator) {
  const std::size_t length = separator == '\0' ? rest_.size() : std::min(rest_.find(separator), rest_.size());
  const std::string_view text = rest_.substr(0, length);
  std::int64_t value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || end != text.data() + text.size() ||
      (fault != std::errc{} && fault != std::errc::result_out_of_range)) {
    throw error(fmt::format("{} is '{}', not a whole number", name, text));
  }
  if (fault != std::errc{} || value < low || value > high) {
    throw error(fmt::format("{} is {}, outside {} to {}", name, text, low, high));
  }
  if (separator != '\0' && length == rest_.size()) throw error(fmt::format("nothing follows {}", name));
  rest_.remove_prefix(std::min(length + 1, rest_.size()));
  return value;
}

}  // namespace fovea
