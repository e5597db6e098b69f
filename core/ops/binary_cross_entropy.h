// SPDX-License-Identifier: Apache-2.0
//
// Binary cross-entropy of logits x [N, D, ...] against targets t in [0, 1] of the same shape, M elements for each sample;
// the logistic loss, in the form that neither overflows nor cancels (torch's BCEWithLogitsLoss).
//
//   l = max(x, 0) - x t + log(1 + exp(-|x|))        losses[n] = 1/M * sum over the sample of l
//   loss = 1/N * sum of losses                      a tensor of shape [1]
//   dx = dloss / (N M) * (sigmoid(x) - t)           targets get no gradient
//
// T (f32, bf16 or f16): x, target, dx.     f32: losses, loss, dloss.
#pragma once
#include "core/tensor/tensor.h"

namespace fovea {

class BinaryCrossEntropyOps {
 public:
  virtual ~BinaryCrossEntropyOps() = default;
  virtual void binary_cross_entropy_forward(ConstView x, ConstView target, View losses, View loss) = 0;
  virtual void binary_cross_entropy_backward(ConstView x, ConstView target, ConstView dloss, View dx) = 0;
};

}  // namespace fovea
