// SPDX-License-Identifier: Apache-2.0
//
// Every options struct lists its fields once, in a function `void fields(FieldVisitor&, XOptions&)`. Net files, JSON
// parameters, checkpoints and generated documentation all read and write options through that one list.
#pragma once
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "core/tensor/shape.h"

namespace fovea {

enum class Presence { required, optional };

// Inclusive bounds on a whole number.
struct IntRange {
  std::int64_t low = std::numeric_limits<std::int32_t>::min();
  std::int64_t high = std::numeric_limits<std::int32_t>::max();
};
constexpr IntRange at_least(std::int64_t low) { return {.low = low}; }

class FieldVisitor {
 public:
  virtual ~FieldVisitor() = default;
  // A reader assigns `value` when the key is present and reports what is wrong when it is not right; a writer stores
  // it. An absent optional key leaves `value` (the default) untouched.
  virtual void field(std::string_view key, std::int64_t& value, Presence, IntRange) = 0;
  virtual void field(std::string_view key, Size2& value, Presence, IntRange) = 0;     // 5 or [5, 3]
  virtual void field(std::string_view key, Padding2& value, Presence, IntRange) = 0;  // 2, [2, 1] or [t, l, b, r]
  virtual void field(std::string_view key, bool& value, Presence) = 0;
  virtual void field(std::string_view key, double& value, Presence) = 0;
  virtual void field(std::string_view key, std::string& value, Presence) = 0;
};

}  // namespace fovea
