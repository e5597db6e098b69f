// SPDX-License-Identifier: Apache-2.0
//
// Hyperbolic tangent, element by element.
//
//   y = tanh(x)           dx = dy * (1 - y*y)
//
// T as in storage.h; computed in double.
#pragma once
#include <cmath>
#include <cstdint>

namespace fovea::reference {

template <class T>
void tanh_forward(std::int64_t elements, const T* x, T* y) {
  for (std::int64_t i = 0; i < elements; ++i) y[i] = static_cast<T>(std::tanh(static_cast<double>(x[i])));
}

template <class T>
void tanh_backward(std::int64_t elements, const T* y, const T* dy, T* dx) {
  for (std::int64_t i = 0; i < elements; ++i) {
    const double value = y[i];
    dx[i] = static_cast<T>(dy[i] * (1 - value * value));
  }
}

}  // namespace fovea::reference
