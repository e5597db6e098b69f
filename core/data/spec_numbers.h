// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "core/support/error.h"

namespace fovea {

// Takes the whole numbers of a data specification such as "synthetic:3x32x32:10" apart, from the left.
class SpecNumbers {
 public:
  // `form` is the specification expected, with an example, for messages.
  SpecNumbers(std::string_view kind, std::string_view arguments, std::string_view form)
      : kind_(kind), arguments_(arguments), rest_(arguments), form_(form) {}

  // The number up to `separator` ('\0': up to the end). Throws InputError: none, not a whole number, not in
  // low ... high, no separator.
  std::int64_t next(std::string_view name, std::int64_t low, std::int64_t high, char separator);
  InputError error(const std::string& what) const;

 private:
  std::string_view kind_, arguments_, rest_, form_;
};

}  // namespace fovea
