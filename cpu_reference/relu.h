// SPDX-License-Identifier: Apache-2.0
//
// Rectified linear unit, element by element: what is negative becomes 0.
//
//   y = x > 0 ? x : 0           dx = y > 0 ? dy : 0
//
// A NaN stays NaN, and passes its gradient on: hiding it would hide the fault that made it.
// T as in storage.h.
#pragma once
#include <cmath>
#include <cstdint>

namespace fovea::reference {

template <class T>
void relu_forward(std::int64_t elements, const T* x, T* y) {
  for (std::int64_t i = 0; i < elements; ++i) y[i] = x[i] > 0 || std::isnan(x[i]) ? x[i] : T{};
}

template <class T>
void relu_backward(std::int64_t elements, const T* y, const T* dy, T* dx) {
  for (std::int64_t i = 0; i < elements; ++i) dx[i] = y[i] > 0 || std::isnan(y[i]) ? dy[i] : T{};
}

}  // namespace fovea::reference
