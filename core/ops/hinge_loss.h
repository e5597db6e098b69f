// SPDX-License-Identifier: Apache-2.0
//
// Multi-class hinge loss, the loss of a linear SVM (Weston and Watkins 1999; CS231n; torch's MultiMarginLoss).
//
//   scores [N, C], labels [N] i32 in [0, C), t = labels[n]
//   h[n,j] = max(0, scores[n,j] - scores[n,t] + margin) for j != t        losses[n] = s * sum over j != t of h[n,j]^p
//   loss = 1/N sum of losses                                               a tensor of shape [1]
//
// p = 1, or 2 with `squared`. Peers differ in s: 1 (CS231n), or with average_classes 1/C (torch). Margin 0 gives the
// perceptron's criterion.
//
//   g[n,j] = dloss / N * s * (h[n,j] > 0 ? (squared ? 2 h[n,j] : 1) : 0)
//   dscores[n,j] = g[n,j] for j != t             dscores[n,t] = - sum over j != t of g[n,j]
//
// NaN stays NaN: in h, in the loss and in g. A label outside [0, C) makes its sample's loss and gradient NaN on
// asynchronous devices; on the host it is an error.
//
// T (f32, bf16 or f16): scores, dscores.     f32: losses, loss, dloss.
#pragma once
#include "core/ops/fields.h"
#include "core/tensor/tensor.h"

namespace fovea {

struct HingeLossOptions {
  double margin = 1;
  bool squared = false;
  bool average_classes = false;
};
void fields(FieldVisitor& visitor, HingeLossOptions& options);

// Plain data for kernels. `scale` is s.
struct HingeLossGeometry {
  std::int64_t N, C;
  double margin, scale;
  bool squared;
};
// Throws InputError: scores that are not [N, C], labels that are not [N], a negative margin.
HingeLossGeometry hinge_loss_geometry(const HingeLossOptions& options, const Shape& scores, const Shape& labels);

class HingeLossOps {
 public:
  virtual ~HingeLossOps() = default;
  virtual void hinge_loss_forward(const HingeLossOptions& options, ConstView scores, ConstView labels, View losses,
                                  View loss) = 0;
  virtual void hinge_loss_backward(const HingeLossOptions& options, ConstView scores, ConstView labels, ConstView dloss,
                                   View dscores) = 0;
};

}  // namespace fovea
