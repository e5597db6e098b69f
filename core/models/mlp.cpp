// SPDX-License-Identifier: Apache-2.0
//
// A multi-layer perceptron with one hidden layer of 128 ReLU units: 784-128-10, 101,770 parameters.
#include "core/layers/linear.h"
#include "core/layers/relu.h"
#include "core/models/models.h"

namespace fovea {

Graph mlp(Shape sample_shape, std::int64_t classes) {
  Graph g("mlp");
  const NodeId image = g.input("image", sample_shape);
  const NodeId fc1 = g.add("fc1", Linear(LinearOptions{.out_features = 128}), image);
  const NodeId relu1 = g.add("relu1", Relu(), fc1);
  g.add("fc2", Linear(LinearOptions{.out_features = classes}), relu1);
  return g;
}

}  // namespace fovea
