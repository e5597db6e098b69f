// SPDX-License-Identifier: Apache-2.0
//
// The linear support vector machine: the softmax classifier's dense layer under another loss, the multi-class hinge
// loss with margin 1 (Weston and Watkins 1999; CS231n's "multiclass SVM loss"). The regularisation that makes it a
// maximum-margin classifier is weight decay: `fovea train svm --weight-decay 1e-3`.
#include "core/layers/hinge_loss.h"
#include "core/layers/linear.h"
#include "core/models/models.h"

namespace fovea {

Graph svm(Shape sample_shape, std::int64_t classes) {
  Graph g("svm");
  const NodeId image = g.input("image", sample_shape);
  g.add("fc", Linear(LinearOptions{.out_features = classes}), image);
  g.set_loss(std::make_shared<const HingeLoss>(HingeLossOptions{.margin = 1}));
  return g;
}

}  // namespace fovea
