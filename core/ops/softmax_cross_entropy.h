// SPDX-License-Identifier: Apache-2.0
//
// Softmax and cross-entropy in one, the loss of a classifier, for whole samples or for every position of an image
// (segmentation): logits [N, C, ...], labels [N, ...] i32 in [0, C); i = (n, position) below. e is label_smoothing,
// w the class weights.
//
//   m_i = max over c of logits_ic        z_i = sum over c of exp(logits_ic - m_i)
//   probabilities_ic = exp(logits_ic - m_i) / z_i              nll_ic = log z_i + (m_i - logits_ic), c = t: the label
//   losses_i = (1 - e) w_t nll_it + e / C * sum over c of w_c nll_ic
//   loss = sum of losses / total_weight, a tensor of shape [1]      total_weight = sum over i of w_t, or their number
//
//   dlogits_ic = dloss / total_weight * ((1 - e) w_t (probabilities_ic - [c == t])
//                                         + e / C * (probabilities_ic * sum over j of w_j  -  w_c))
//
// As torch's CrossEntropyLoss with reduction 'mean'. Peers differ in the mean of weighted losses: sum of w, as here, or
// the number of samples (Caffe's default). A NaN among a position's logits makes its
// probabilities and its loss NaN; so does a label outside [0, C) with loss and gradient on asynchronous devices, while
// on the host it is an error.
//
// T (f32, bf16 or f16): logits, dlogits.     f32: all others but the labels.
#pragma once
#include <vector>

#include "core/ops/fields.h"
#include "core/tensor/tensor.h"

namespace fovea {

struct SoftmaxCrossEntropyOptions {
  double label_smoothing = 0;              // 0 <= e < 1
  std::vector<double> class_weights = {};  // none: 1 for every class
};
void fields(FieldVisitor& visitor, SoftmaxCrossEntropyOptions& options);

// Plain data for kernels.
struct SoftmaxCrossEntropyGeometry {
  std::int64_t N, C, positions;
};
// Throws InputError: shapes that do not fit; smoothing outside [0, 1); weights that are not one for each class, negative
// or all zero.
SoftmaxCrossEntropyGeometry softmax_cross_entropy_geometry(const SoftmaxCrossEntropyOptions& options,
                                                           const Shape& logits, const Shape& labels);

class SoftmaxCrossEntropyOps {
 public:
  virtual ~SoftmaxCrossEntropyOps() = default;
  // `class_weights` [C] holds the option's values on the device, or is empty where there are none. `losses` has the
  // shape of `labels`, `total_weight` is [1].
  virtual void softmax_cross_entropy_forward(const SoftmaxCrossEntropyOptions& options, ConstView logits,
                                             ConstView labels, ConstView class_weights, View probabilities, View losses,
                                             View total_weight, View loss) = 0;
  virtual void softmax_cross_entropy_backward(const SoftmaxCrossEntropyOptions& options, ConstView probabilities,
                                              ConstView labels, ConstView class_weights, ConstView total_weight,
                                              ConstView dloss, View dlogits) = 0;
};

}  // namespace fovea
