// SPDX-License-Identifier: Apache-2.0
//
// Exponential moving average:   a = a + (1 - decay) * (w - a)
//
// T is float or double, and so is every operation, one rounding each.
#pragma once
#include <cstdint>

#include "core/ops/average.h"

namespace fovea::reference {

template <class T>
void average_step(double decay, std::int64_t elements, T* a, const T* w) {
  const T rest = static_cast<T>(1 - decay);
  for (std::int64_t i = 0; i < elements; ++i) a[i] = a[i] + rest * (w[i] - a[i]);
}

}  // namespace fovea::reference
