// SPDX-License-Identifier: Apache-2.0
//
// LeNet-5 after Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to document recognition",
// Proceedings of the IEEE 86(11), 1998, section II.B, with the paper's layer names: convolution (C), sub-sampling (S),
// full connection (F), tanh. 61,706 parameters here; the paper's net has 60,000. The departures are listed in
// lenet5_1998_notes, which `fovea summary lenet5-1998` prints.
#include "core/layers/avg_pool2d.h"
#include "core/layers/conv2d.h"
#include "core/layers/flatten.h"
#include "core/layers/linear.h"
#include "core/layers/tanh.h"
#include "core/models/models.h"

namespace fovea {

const std::string_view lenet5_1998_notes =
    "input: 28x28 with 2 rows of zeros around it in c1; the paper places the digit in a 32x32 image\n"
    "s2, s4: plain averages; the paper's have a trainable coefficient and bias per map and a sigmoid (44 parameters)\n"
    "c3: every filter sees all 6 maps (2,416 parameters); the paper connects 60 of the 96 pairs (1,516 parameters)\n"
    "squashing: tanh(x); the paper uses 1.7159 tanh(2/3 x)\n"
    "output: a dense layer with softmax and cross-entropy (850 parameters); the paper has fixed Gaussian RBF units\n"
    "training: SGD from Kaiming-uniform weights; the paper uses a stochastic diagonal Levenberg-Marquardt method";

Graph lenet5_1998(Shape sample_shape, std::int64_t classes) {
  Graph g("lenet5-1998");
  const NodeId image = g.input("image", sample_shape);
  const NodeId c1 = g.add("c1", Conv2d(Conv2dOptions{.out_channels = 6, .kernel = 5, .padding = 2}), image);
  const NodeId tanh1 = g.add("tanh1", Tanh(), c1);
  const NodeId s2 = g.add("s2", AvgPool2d(AvgPool2dOptions{.kernel = 2, .stride = 2}), tanh1);
  const NodeId c3 = g.add("c3", Conv2d(Conv2dOptions{.out_channels = 16, .kernel = 5}), s2);
  const NodeId tanh3 = g.add("tanh3", Tanh(), c3);
  const NodeId s4 = g.add("s4", AvgPool2d(AvgPool2dOptions{.kernel = 2, .stride = 2}), tanh3);
  const NodeId c5 = g.add("c5", Conv2d(Conv2dOptions{.out_channels = 120, .kernel = 5}), s4);
  const NodeId tanh5 = g.add("tanh5", Tanh(), c5);
  const NodeId flat = g.add("flatten", Flatten(), tanh5);
  const NodeId f6 = g.add("f6", Linear(LinearOptions{.out_features = 84}), flat);
  const NodeId tanh6 = g.add("tanh6", Tanh(), f6);
  g.add("output", Linear(LinearOptions{.out_features = classes}), tanh6);
  return g;
}

}  // namespace fovea
