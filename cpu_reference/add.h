// SPDX-License-Identifier: Apache-2.0
//
// Sum of two tensors, element by element.
//
//   y = a + b           da = dy, db = dy
//
// y may be a or b itself. T as in storage.h.
#pragma once
#include <cstdint>

namespace fovea::reference {

template <class T>
void add_forward(std::int64_t elements, const T* a, const T* b, T* y) {
  for (std::int64_t i = 0; i < elements; ++i) y[i] = static_cast<T>(static_cast<double>(a[i]) + b[i]);
}

// One input's gradient; the other's is the same.
template <class T>
void add_backward(std::int64_t elements, const T* dy, T* dx) {
  for (std::int64_t i = 0; i < elements; ++i) dx[i] = dy[i];
}

}  // namespace fovea::reference
