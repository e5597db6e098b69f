// SPDX-License-Identifier: Apache-2.0
//
// The softmax classifier: the image stretched to a row of numbers and one dense layer; multinomial logistic regression.
#include "core/layers/linear.h"
#include "core/models/models.h"

namespace fovea {

Graph softmax_classifier(Shape sample_shape, std::int64_t classes) {
  Graph g("softmax");
  const NodeId image = g.input("image", sample_shape);
  g.add("fc", Linear(LinearOptions{.out_features = classes}), image);
  return g;
}

}  // namespace fovea
