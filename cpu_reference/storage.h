// SPDX-License-Identifier: Apache-2.0
//
// What the loops of this folder are templates of: T, the type that a tensor's elements are stored as. It is double (the
// truth), float, bf16_t or f16_t; whatever it is, sums are taken in double, and a result is rounded to T once.
//
// Bias, statistics, scales, losses and the gradients of parameters are float beside 16-bit images: Wide<T>.
#pragma once
#include <cstdint>
#include <type_traits>

#include "core/tensor/dtype.h"

namespace fovea::reference {

template <class T>
using Wide = std::conditional_t<std::is_same_v<T, double>, double, float>;

template <class T>
void store(const double* sums, std::int64_t count, T* to) {
  for (std::int64_t i = 0; i < count; ++i) to[i] = static_cast<T>(sums[i]);
}

}  // namespace fovea::reference
