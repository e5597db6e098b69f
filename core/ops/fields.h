// SPDX-License-Identifier: Apache-2.0
//
// Every options struct lists its fields once, in a function `void fields(FieldVisitor&, XOptions&)`. Net files, JSON
// parameters, checkpoints and generated documentation all read and write options through that one list.
#pragma once
#include <array>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/tensor/shape.h"

namespace fovea {

enum class Presence { required, optional };

// Inclusive bounds on a whole number, and what two of them are where an option takes two.
struct IntRange {
  std::int64_t low = std::numeric_limits<std::int32_t>::min();
  std::int64_t high = std::numeric_limits<std::int32_t>::max();
  std::string_view pair = "[height, width]";
};
constexpr IntRange at_least(std::int64_t low) { return {.low = low}; }

// Bounds on a number, which must be finite; the limits themselves belong to the range unless they are open.
struct RealRange {
  double low = -std::numeric_limits<double>::max();
  double high = std::numeric_limits<double>::max();
  bool low_open = false, high_open = false;
};
constexpr RealRange positive_real{.low = 0, .low_open = true};
constexpr RealRange non_negative_real{.low = 0};

class FieldVisitor {
 public:
  virtual ~FieldVisitor() = default;
  // A reader assigns `value` when the key is present and reports what is wrong when it is not right; a writer stores
  // it. An absent optional key leaves `value` (the default) untouched.
  virtual void field(std::string_view key, std::int64_t& value, Presence, IntRange) = 0;
  virtual void field(std::string_view key, Size2& value, Presence, IntRange) = 0;     // 5 or [5, 3]
  virtual void field(std::string_view key, Padding2& value, Presence, IntRange) = 0;  // 2, [2, 1] or [t, l, b, r]
  virtual void field(std::string_view key, bool& value, Presence) = 0;
  virtual void field(std::string_view key, double& value, Presence, RealRange = {}) = 0;
  virtual void field(std::string_view key, std::vector<double>& values, Presence, RealRange) = 0;       // [1, 0.5, 2]
  virtual void field(std::string_view key, std::vector<std::int64_t>& values, Presence, IntRange) = 0;  // [3, 8, 8]
  virtual void field(std::string_view key, std::string& value, Presence) = 0;
  // One word of a list.
  virtual void field(std::string_view key, std::string& value, Presence, std::span<const std::string_view> words) = 0;
};

// An enumeration as one of its words.
template <class Enum, std::size_t n>
void field(FieldVisitor& visitor, std::string_view key, Enum& value, Presence presence,
           const std::array<std::pair<Enum, std::string_view>, n>& words) {
  std::array<std::string_view, n> list;
  std::string word;
  for (std::size_t i = 0; i < n; ++i) {
    list[i] = words[i].second;
    if (words[i].first == value) word = words[i].second;
  }
  visitor.field(key, word, presence, list);
  for (const auto& [candidate, name] : words)
    if (name == word) value = candidate;
}

}  // namespace fovea
