// SPDX-License-Identifier: Apache-2.0
//
// ADALINE, the adaptive linear element (B. Widrow and M. E. Hoff, "Adaptive switching circuits", IRE WESCON Convention
// Record, 1960): a dense layer that is to give 1 for the right class and -1 for the others, and least mean squares.
// Its gradient, error times input, is the Widrow-Hoff or delta rule: unlike the perceptron it also learns from samples
// that are classified right already.
#include "core/layers/linear.h"
#include "core/layers/mean_squared_error.h"
#include "core/models/models.h"

namespace fovea {

Graph adaline(Shape sample_shape, std::int64_t classes) {
  Graph g("adaline");
  const NodeId image = g.input("image", sample_shape);
  g.add("fc", Linear(LinearOptions{.out_features = classes}), image);
  g.set_loss(std::make_shared<const MeanSquaredError>(), OneHotOptions{.on = 1, .off = -1});
  return g;
}

}  // namespace fovea
