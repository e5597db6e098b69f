// SPDX-License-Identifier: Apache-2.0
//
// Gradients made smaller, in place: multiplied by a factor, or cut off at a limit on both sides. And the factor that brings
// their norm down to a limit.
#pragma once
#include <cmath>
#include <cstdint>

#include "core/ops/gradient_clip.h"

namespace fovea::reference {

template <class T>
void gradient_scale(double factor, std::int64_t elements, T* g) {
  const T scale = static_cast<T>(factor);
  for (std::int64_t i = 0; i < elements; ++i) g[i] = scale * g[i];
}

// A NaN is neither below nor above and stays.
template <class T>
void gradient_clamp(double limit, std::int64_t elements, T* g) {
  const T high = static_cast<T>(limit);
  for (std::int64_t i = 0; i < elements; ++i) g[i] = g[i] < -high ? -high : g[i] > high ? high : g[i];
}

// In double; a norm that is NaN gives 1.
inline double norm_factor(double limit, std::int64_t count, const double* squares) {
  double sum = 0;
  for (std::int64_t i = 0; i < count; ++i) sum += squares[i];
  const double factor = limit / (std::sqrt(sum) + 1e-6);
  return factor < 1 ? factor : 1;
}

}  // namespace fovea::reference
