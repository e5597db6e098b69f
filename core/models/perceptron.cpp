// SPDX-License-Identifier: Apache-2.0
//
// The perceptron (F. Rosenblatt, "The perceptron: a probabilistic model for information storage and organization in the
// brain", Psychological Review 65(6), 1958) as a net: a dense layer under the hinge loss with margin 0,
//
//   loss = sum over j != label of max(0, score[j] - score[label])
//
// whose gradient is Rosenblatt's rule: nothing changes while the right class scores highest, else its weights gain x
// and those of the classes above it lose x. With plain SGD, batch 1 and a constant rate it is his algorithm for two
// classes (their two rows of weights differ by his one).
#include "core/layers/hinge_loss.h"
#include "core/layers/linear.h"
#include "core/models/models.h"

namespace fovea {

const std::string_view perceptron_notes =
    "classes: one row of weights for each, so that there may be more than two; the paper's unit tells two apart\n"
    "rule: every class that scores above the right one is corrected, not only the best of them\n"
    "start: Kaiming-uniform weights; from zero weights all scores tie, which this loss counts as no error";

Graph perceptron(Shape sample_shape, std::int64_t classes) {
  Graph g("perceptron");
  const NodeId image = g.input("image", sample_shape);
  g.add("fc", Linear(LinearOptions{.out_features = classes}), image);
  g.set_loss(std::make_shared<const HingeLoss>(HingeLossOptions{.margin = 0}));
  return g;
}

}  // namespace fovea
