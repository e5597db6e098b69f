// SPDX-License-Identifier: Apache-2.0
//
// One number per output channel, added at every position.
//
//   y[n,k,i] += bias[k]          dbias[k] = sum over n,i of dy[n,k,i]
//
// y, dy [N,K,positions]: positions is P*Q after a convolution, 1 after a dense layer. bias, dbias [K]. T as in storage.h.
#pragma once
#include <cstdint>

#include "core/support/parallel.h"
#include "cpu_reference/storage.h"

namespace fovea::reference {

template <class T>
void bias_add(std::int64_t N, std::int64_t K, std::int64_t positions, const Wide<T>* bias, T* y) {
  parallel_for(N, [&](std::int64_t n) {
    for (std::int64_t k = 0; k < K; ++k)
      for (std::int64_t i = (n * K + k) * positions; i < (n * K + k + 1) * positions; ++i)
        y[i] = static_cast<T>(static_cast<double>(y[i]) + bias[k]);
  });
}

template <class T>
void bias_gradient(std::int64_t N, std::int64_t K, std::int64_t positions, const T* dy, Wide<T>* dbias) {
  parallel_for(K, [&](std::int64_t k) {
    double sum = 0;
    for (std::int64_t n = 0; n < N; ++n)
      for (std::int64_t i = 0; i < positions; ++i) sum += dy[(n * K + k) * positions + i];
    dbias[k] = static_cast<Wide<T>>(sum);
  });
}

}  // namespace fovea::reference
