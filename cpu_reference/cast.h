// SPDX-License-Identifier: Apache-2.0
//
// The same values in another type.
//
//   y = x            rounded once, where To does not hold the value
//
// From and To as T in storage.h.
#pragma once
#include <cstdint>

#include "cpu_reference/storage.h"

namespace fovea::reference {

template <class From, class To>
void cast(std::int64_t elements, const From* x, To* y) {
  for (std::int64_t i = 0; i < elements; ++i) y[i] = static_cast<To>(static_cast<Wide<From>>(x[i]));
}

}  // namespace fovea::reference
