// SPDX-License-Identifier: Apache-2.0
//
// The loss of a classifier whose targets are probabilities: softmax_cross_entropy.h with every class counting by its
// share; the mean over the batch and, where every position of an image is classified, over the positions.
//
//   probabilities[n,c,i] = exp(logits[n,c,i] - m) / z        m = max over c of logits[n,c,i]
//                                                            z = sum over c of exp(logits[n,c,i] - m)
//   share(c)        = w[c] * ((1 - e) * targets[n,c,i] + e / C)
//   losses[n,i]     = sum over c of share(c) * (log z + m - logits[n,c,i])
//   loss            = sum over n, i of losses[n,i] / (N * positions)
//   dlogits[n,c,i]  = dloss / (N * positions) * (probabilities[n,c,i] * sum over j of share(j) - share(c))
//
// logits, targets, probabilities, dlogits [N,C,positions]   losses [N,positions]   class_weights w [C], or null: all 1
// e: label smoothing   loss, dloss [1]. T as in storage.h; computed in double.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>

#include "cpu_reference/storage.h"

namespace fovea::reference {

// The share of class c, whose target is t, in its position's loss.
template <class T>
double class_share(std::int64_t C, double e, const Wide<T>* class_weights, std::int64_t c, T t) {
  const double weight = class_weights == nullptr ? 1.0 : static_cast<double>(class_weights[c]);
  return weight * ((1 - e) * static_cast<double>(t) + e / static_cast<double>(C));
}

template <class T>
void soft_cross_entropy_forward(std::int64_t N, std::int64_t C, std::int64_t positions, double e, const T* logits,
                                const T* targets, const Wide<T>* class_weights, Wide<T>* probabilities, Wide<T>* losses,
                                Wide<T>* loss) {
  double sum_of_losses = 0;
  for (std::int64_t n = 0; n < N; ++n)
    for (std::int64_t i = 0; i < positions; ++i) {
      const auto at = [&](std::int64_t c) { return (n * C + c) * positions + i; };
      double m = logits[at(0)];
      for (std::int64_t c = 1; c < C; ++c) m = std::max(m, static_cast<double>(logits[at(c)]));
      double z = 0;
      for (std::int64_t c = 0; c < C; ++c) z += std::exp(logits[at(c)] - m);
      for (std::int64_t c = 0; c < C; ++c) probabilities[at(c)] = static_cast<Wide<T>>(std::exp(logits[at(c)] - m) / z);

      double loss_i = 0;
      for (std::int64_t c = 0; c < C; ++c)
        loss_i += class_share<T>(C, e, class_weights, c, targets[at(c)]) * (std::log(z) + (m - logits[at(c)]));
      losses[n * positions + i] = static_cast<Wide<T>>(loss_i);
      sum_of_losses += loss_i;
    }
  *loss = static_cast<Wide<T>>(sum_of_losses / static_cast<double>(N * positions));
}

template <class T>
void soft_cross_entropy_backward(std::int64_t N, std::int64_t C, std::int64_t positions, double e,
                                 const Wide<T>* probabilities, const T* targets, const Wide<T>* class_weights,
                                 const Wide<T>* dloss, T* dlogits) {
  const double scale = static_cast<double>(*dloss) / static_cast<double>(N * positions);
  for (std::int64_t n = 0; n < N; ++n)
    for (std::int64_t i = 0; i < positions; ++i) {
      const auto at = [&](std::int64_t c) { return (n * C + c) * positions + i; };
      double shares = 0;
      for (std::int64_t c = 0; c < C; ++c) shares += class_share<T>(C, e, class_weights, c, targets[at(c)]);
      for (std::int64_t c = 0; c < C; ++c) {
        const double share = class_share<T>(C, e, class_weights, c, targets[at(c)]);
        dlogits[at(c)] = static_cast<T>(scale * (probabilities[at(c)] * shares - share));
      }
    }
}

}  // namespace fovea::reference
