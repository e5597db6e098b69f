// SPDX-License-Identifier: Apache-2.0
//
// The loss of a classifier: softmax, then minus the logarithm of the probability given to the true class; the mean
// over the batch and, where every position of an image is classified, over the positions.
//
//   probabilities[n,c,i] = exp(logits[n,c,i] - m) / z        m = max over c of logits[n,c,i]
//                                                            z = sum over c of exp(logits[n,c,i] - m)
//   nll(c)          = -log probabilities[n,c,i] = log z + m - logits[n,c,i]
//   losses[n,i]     = (1 - e) * w[label] * nll(label) + e / C * sum over c of w[c] * nll(c)
//   total_weight    = sum over n, i of w[label]
//   loss            = sum over n, i of losses[n,i] / total_weight
//   dlogits[n,c,i]  = dloss / total_weight * ((1 - e) * w[label] * (probabilities[n,c,i] - [c == label])
//                                              + e / C * (probabilities[n,c,i] * sum over j of w[j] - w[c]))
//
// logits, probabilities, dlogits [N,C,positions]   labels [N,positions], each in [0,C)   losses [N,positions]
// class_weights w [C], or null: all 1   e: label smoothing   loss, dloss, total_weight [1]. T as in storage.h;
// computed in double. The second form of nll stays finite where the probability underflows to 0. A NaN among the
// logits of a position makes its probabilities and its loss NaN.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>

#include "cpu_reference/storage.h"

namespace fovea::reference {

template <class T>
void softmax_cross_entropy_forward(std::int64_t N, std::int64_t C, std::int64_t positions, double e, const T* logits,
                                   const std::int32_t* labels, const Wide<T>* class_weights, Wide<T>* probabilities,
                                   Wide<T>* losses, Wide<T>* total_weight, Wide<T>* loss) {
  const auto weight = [&](std::int64_t c) { return class_weights == nullptr ? 1.0 : class_weights[c]; };
  double sum_of_losses = 0, sum_of_weights = 0;
  for (std::int64_t n = 0; n < N; ++n)
    for (std::int64_t i = 0; i < positions; ++i) {
      const auto at = [&](std::int64_t c) { return (n * C + c) * positions + i; };
      double m = logits[at(0)];
      for (std::int64_t c = 1; c < C; ++c) m = std::max(m, static_cast<double>(logits[at(c)]));
      double z = 0;
      for (std::int64_t c = 0; c < C; ++c) z += std::exp(logits[at(c)] - m);
      for (std::int64_t c = 0; c < C; ++c) probabilities[at(c)] = static_cast<Wide<T>>(std::exp(logits[at(c)] - m) / z);

      const std::int64_t label = labels[n * positions + i];
      const auto nll = [&](std::int64_t c) { return std::log(z) + (m - logits[at(c)]); };
      double loss_i = (1 - e) * weight(label) * nll(label);
      if (e > 0) {
        double over_classes = 0;
        for (std::int64_t c = 0; c < C; ++c) over_classes += weight(c) * nll(c);
        loss_i += e / static_cast<double>(C) * over_classes;
      }
      losses[n * positions + i] = static_cast<Wide<T>>(loss_i);
      sum_of_losses += loss_i;
      sum_of_weights += weight(label);
    }
  *total_weight = static_cast<Wide<T>>(sum_of_weights);
  *loss = static_cast<Wide<T>>(sum_of_losses / sum_of_weights);
}

template <class T>
void softmax_cross_entropy_backward(std::int64_t N, std::int64_t C, std::int64_t positions, double e,
                                    const Wide<T>* probabilities, const std::int32_t* labels,
                                    const Wide<T>* class_weights, const Wide<T>* total_weight, const Wide<T>* dloss,
                                    T* dlogits) {
  const auto weight = [&](std::int64_t c) { return class_weights == nullptr ? 1.0 : class_weights[c]; };
  double sum_of_classes = 0;
  for (std::int64_t c = 0; c < C; ++c) sum_of_classes += weight(c);
  const double scale = *dloss / static_cast<double>(*total_weight);
  for (std::int64_t n = 0; n < N; ++n)
    for (std::int64_t c = 0; c < C; ++c)
      for (std::int64_t i = 0; i < positions; ++i) {
        const std::int64_t label = labels[n * positions + i], at = (n * C + c) * positions + i;
        const double target = c == label ? 1 : 0;
        double slope = (1 - e) * weight(label) * (probabilities[at] - target);
        if (e > 0) slope += e / static_cast<double>(C) * (probabilities[at] * sum_of_classes - weight(c));
        dlogits[at] = static_cast<T>(scale * slope);
      }
}

}  // namespace fovea::reference
