// SPDX-License-Identifier: Apache-2.0
//
// The first element that is NaN or infinite; -1 when there is none. T as in storage.h.
#pragma once
#include <cmath>
#include <cstdint>

#include "core/ops/nonfinite.h"

namespace fovea::reference {

template <class T>
std::int64_t nonfinite(std::int64_t elements, const T* x) {
  for (std::int64_t i = 0; i < elements; ++i)
    if (!std::isfinite(x[i])) return i;
  return -1;
}

}  // namespace fovea::reference
