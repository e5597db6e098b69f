// SPDX-License-Identifier: Apache-2.0
//
// Softmax and cross-entropy against a probability for every class in the place of a label: what mixup, cutmix and a
// teacher's answers train on. logits, targets [N, C, ...], the targets of one position at least 0 and adding up to 1;
// i = (n, position) below. e is label_smoothing, w the class weights.
//
//   m_i = max over c of logits_ic        z_i = sum over c of exp(logits_ic - m_i)
//   probabilities_ic = exp(logits_ic - m_i) / z_i              nll_ic = log z_i + (m_i - logits_ic)
//   shares_ic = w_c ((1 - e) targets_ic + e / C)
//   losses_i = sum over c of shares_ic nll_ic
//   loss = sum of losses / their number, a tensor of shape [1]
//
//   dlogits_ic = dloss / number * (probabilities_ic * sum over j of shares_ij  -  shares_ic); targets get no gradient
//
// As torch's CrossEntropyLoss with class probabilities and reduction 'mean': unlike with labels, class weights do not
// change what the sum is divided by. A NaN among a position's logits makes its probabilities and its loss NaN; so do
// targets that are no probabilities, with loss and gradient, on asynchronous devices, while on the host they are an error.
//
// T (f32, bf16 or f16): logits, targets, dlogits.     f32: all others.
#pragma once
#include "core/ops/softmax_cross_entropy.h"

namespace fovea {

// How far the targets of a position may be from adding up to 1: each may be what an operation in float32 left (8 units
// of 2^-24, docs/numerics.md), and a device adds C of them up in any order (another unit each). Storing them in 16 bits
// rounds each by 2^-8 or 2^-11 of itself, in f16 the smallest by half of 2^-24. Those of float64, the truth's, may have
// been any of these.
inline double target_sum_tolerance(std::int64_t C, DType dtype) {
  const double computed = static_cast<double>(C + 8) * 0x1p-24;
  if (dtype == DType::f32) return computed;
  return computed + (dtype == DType::f16 ? 0x1p-11 + static_cast<double>(C) * 0x1p-25 : 0x1p-8);
}

// Throws InputError: shapes that do not fit; options as softmax_cross_entropy refuses them.
SoftmaxCrossEntropyGeometry soft_cross_entropy_geometry(const SoftmaxCrossEntropyOptions& options, const Shape& logits,
                                                        const Shape& targets);

class SoftCrossEntropyOps {
 public:
  virtual ~SoftCrossEntropyOps() = default;
  // `class_weights` [C] holds the option's values on the device, or is empty where there are none. `losses` is [N, ...].
  virtual void soft_cross_entropy_forward(const SoftmaxCrossEntropyOptions& options, ConstView logits,
                                          ConstView targets, ConstView class_weights, View probabilities, View losses,
                                          View loss) = 0;
  virtual void soft_cross_entropy_backward(const SoftmaxCrossEntropyOptions& options, ConstView probabilities,
                                           ConstView targets, ConstView class_weights, ConstView dloss,
                                           View dlogits) = 0;
};

}  // namespace fovea
