// SPDX-License-Identifier: Apache-2.0
//
// The loss of a classifier: softmax, then minus the logarithm of the probability given to the true class; the mean
// over the batch.
//
//   probabilities[n,c] = exp(logits[n,c] - m) / z        m = max over c of logits[n,c]
//                                                        z = sum over c of exp(logits[n,c] - m)
//   losses[n] = -log probabilities[n,label] = log z + m - logits[n,label]
//   loss      = 1/N * sum over n of losses[n]
//   dlogits[n,c] = dloss / N * (probabilities[n,c] - [c == label])
//
// logits, probabilities, dlogits [N,C]   labels [N], each in [0,C)   losses [N]   loss, dloss [1]. T is float or
// double; computed in double. The second form of losses[n] stays finite where the probability underflows to 0.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>

namespace fovea::reference {

template <class T>
void softmax_cross_entropy_forward(std::int64_t N, std::int64_t C, const T* logits, const std::int32_t* labels,
                                   T* probabilities, T* losses, T* loss) {
  double sum_of_losses = 0;
  for (std::int64_t n = 0; n < N; ++n) {
    const T* row = logits + n * C;
    const double m = *std::max_element(row, row + C);
    double z = 0;
    for (std::int64_t c = 0; c < C; ++c) z += std::exp(row[c] - m);
    for (std::int64_t c = 0; c < C; ++c) probabilities[n * C + c] = static_cast<T>(std::exp(row[c] - m) / z);
    const double loss_n = std::log(z) + (m - row[labels[n]]);
    losses[n] = static_cast<T>(loss_n);
    sum_of_losses += loss_n;
  }
  *loss = static_cast<T>(sum_of_losses / static_cast<double>(N));
}

template <class T>
void softmax_cross_entropy_backward(std::int64_t N, std::int64_t C, const T* probabilities, const std::int32_t* labels,
                                    const T* dloss, T* dlogits) {
  const double scale = *dloss / static_cast<double>(N);
  for (std::int64_t n = 0; n < N; ++n)
    for (std::int64_t c = 0; c < C; ++c) {
      const double target = c == labels[n] ? 1 : 0;
      dlogits[n * C + c] = static_cast<T>(scale * (probabilities[n * C + c] - target));
    }
}

}  // namespace fovea::reference
