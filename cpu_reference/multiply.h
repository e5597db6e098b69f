// SPDX-License-Identifier: Apache-2.0
//
// Product of two tensors, element by element.
//
//   y = a * b           da = dy * b, db = dy * a
//
// T as in storage.h.
#pragma once
#include <cstdint>

namespace fovea::reference {

template <class T>
void multiply_forward(std::int64_t elements, const T* a, const T* b, T* y) {
  for (std::int64_t i = 0; i < elements; ++i) y[i] = static_cast<T>(static_cast<double>(a[i]) * b[i]);
}

// One input's gradient, given the other input.
template <class T>
void multiply_backward(std::int64_t elements, const T* other, const T* dy, T* dx) {
  for (std::int64_t i = 0; i < elements; ++i) dx[i] = static_cast<T>(static_cast<double>(dy[i]) * other[i]);
}

}  // namespace fovea::reference
