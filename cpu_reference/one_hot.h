// SPDX-License-Identifier: Apache-2.0
//
// Labels as target vectors.
//
//   y[n,c] = c == labels[n] ? on : off
//
// labels [N], each in [0,C)   y [N,C]. T as in storage.h; on and off are float32 numbers.
#pragma once
#include <cstdint>

namespace fovea::reference {

template <class T>
void one_hot_forward(std::int64_t N, std::int64_t C, float on, float off, const std::int32_t* labels, T* y) {
  for (std::int64_t n = 0; n < N; ++n)
    for (std::int64_t c = 0; c < C; ++c) y[n * C + c] = static_cast<T>(c == labels[n] ? on : off);
}

}  // namespace fovea::reference
