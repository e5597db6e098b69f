// SPDX-License-Identifier: Apache-2.0
//
// Mean squared error.
//
//   losses[n] = 1/M * sum over i of (x[n,i] - target[n,i])^2       loss = 1/N * sum over n of losses[n]
//   dx[n,i]   = dloss * 2 / (N M) * (x[n,i] - target[n,i])
//
// x, target, dx [N,M]   losses [N]   loss, dloss [1]. T as in storage.h; computed in double.
#pragma once
#include <cstdint>

#include "cpu_reference/storage.h"

namespace fovea::reference {

template <class T>
void mean_squared_error_forward(std::int64_t N, std::int64_t M, const T* x, const T* target, Wide<T>* losses,
                                Wide<T>* loss) {
  double sum_of_losses = 0;
  for (std::int64_t n = 0; n < N; ++n) {
    double sum = 0;
    for (std::int64_t i = n * M; i < (n + 1) * M; ++i) {
      const double difference = static_cast<double>(x[i]) - target[i];
      sum += difference * difference;
    }
    losses[n] = static_cast<Wide<T>>(sum / static_cast<double>(M));
    sum_of_losses += sum / static_cast<double>(M);
  }
  *loss = static_cast<Wide<T>>(sum_of_losses / static_cast<double>(N));
}

template <class T>
void mean_squared_error_backward(std::int64_t N, std::int64_t M, const T* x, const T* target, const Wide<T>* dloss,
                                 T* dx) {
  const double scale = *dloss * 2.0 / static_cast<double>(N * M);
  for (std::int64_t i = 0; i < N * M; ++i) dx[i] = static_cast<T>(scale * (static_cast<double>(x[i]) - target[i]));
}

}  // namespace fovea::reference
