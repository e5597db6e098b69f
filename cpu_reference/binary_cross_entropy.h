// SPDX-License-Identifier: Apache-2.0
//
// Binary cross-entropy of logits x against targets t in [0, 1]: minus the logarithm of the probability that
// sigmoid(x) gives to the target.
//
//   l(x,t)    = -t log(sigmoid(x)) - (1 - t) log(1 - sigmoid(x))
//             = max(x, 0) - x t + log(1 + exp(-|x|))               neither overflows nor takes log(0)
//   losses[n] = 1/M * sum over i of l(x[n,i], t[n,i])              loss = 1/N * sum over n of losses[n]
//   dx[n,i]   = dloss / (N M) * (sigmoid(x[n,i]) - t[n,i])
//
// x, t, dx [N,M]   losses [N]   loss, dloss [1]. T as in storage.h; computed in double.
#pragma once
#include <cmath>
#include <cstdint>

#include "cpu_reference/storage.h"

namespace fovea::reference {

template <class T>
void binary_cross_entropy_forward(std::int64_t N, std::int64_t M, const T* x, const T* target, Wide<T>* losses,
                                  Wide<T>* loss) {
  double sum_of_losses = 0;
  for (std::int64_t n = 0; n < N; ++n) {
    double sum = 0;
    for (std::int64_t i = n * M; i < (n + 1) * M; ++i) {
      const double logit = x[i], positive = logit > 0 ? logit : 0;
      sum += positive - logit * target[i] + std::log1p(std::exp(-std::abs(logit)));
    }
    losses[n] = static_cast<Wide<T>>(sum / static_cast<double>(M));
    sum_of_losses += sum / static_cast<double>(M);
  }
  *loss = static_cast<Wide<T>>(sum_of_losses / static_cast<double>(N));
}

template <class T>
void binary_cross_entropy_backward(std::int64_t N, std::int64_t M, const T* x, const T* target, const Wide<T>* dloss,
                                   T* dx) {
  const double scale = *dloss / static_cast<double>(N * M);
  for (std::int64_t i = 0; i < N * M; ++i) {
    const double sigmoid = 1 / (1 + std::exp(-static_cast<double>(x[i])));
    dx[i] = static_cast<T>(scale * (sigmoid - target[i]));
  }
}

}  // namespace fovea::reference
