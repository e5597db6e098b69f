// SPDX-License-Identifier: Apache-2.0
//
// Softmax and cross-entropy in one, the loss of a classifier; the mean over the batch.
//
//   logits [N, C] f32, labels [N] i32 in [0, C)
//   m[n] = max over c of logits[n,c]      z[n] = sum over c of exp(logits[n,c] - m[n])
//   probabilities[n,c] = exp(logits[n,c] - m[n]) / z[n]
//   loss = 1/N * sum over n of (log z[n] + (m[n] - logits[n, labels[n]]))        a tensor of shape [1]
//
//   dlogits[n,c] = dloss / N * (probabilities[n,c] - [c == labels[n]])
#pragma once
#include "core/tensor/tensor.h"

namespace fovea {

class SoftmaxCrossEntropyOps {
 public:
  virtual ~SoftmaxCrossEntropyOps() = default;
  // `losses` [N] receives each sample's loss, `loss` [1] their mean.
  virtual void softmax_cross_entropy_forward(ConstView logits, ConstView labels, View probabilities, View losses,
                                             View loss) = 0;
  virtual void softmax_cross_entropy_backward(ConstView probabilities, ConstView labels, ConstView dloss,
                                              View dlogits) = 0;
};

}  // namespace fovea
