// SPDX-License-Identifier: Apache-2.0
//
// One number per output channel, added at every position.
//
//   y[n,k,i] += bias[k]          dbias[k] = sum over n,i of dy[n,k,i]
//
// y, dy [N,K,positions]: positions is P*Q after a convolution, 1 after a dense layer. bias, dbias [K].
#pragma once
#include <cstdint>

#include "core/support/parallel.h"

namespace fovea::reference {

template <class T>
void bias_add(std::int64_t N, std::int64_t K, std::int64_t positions, const T* bias, T* y) {
  parallel_for(N, [&](std::int64_t n) {
    for (std::int64_t k = 0; k < K; ++k)
      for (std::int64_t i = 0; i < positions; ++i) y[(n * K + k) * positions + i] += bias[k];
  });
}

template <class T>
void bias_gradient(std::int64_t N, std::int64_t K, std::int64_t positions, const T* dy, T* dbias) {
  parallel_for(K, [&](std::int64_t k) {
    double sum = 0;
    for (std::int64_t n = 0; n < N; ++n)
      for (std::int64_t i = 0; i < positions; ++i) sum += dy[(n * K + k) * positions + i];
    dbias[k] = static_cast<T>(sum);
  });
}

}  // namespace fovea::reference
