// SPDX-License-Identifier: Apache-2.0
//
// LeNet-5 as it is taught today: the layer sizes of LeCun et al. 1998 with ReLU and max pooling.
//
//   image 1x28x28
//   conv1 6 filters 5x5, padding 2   6x28x28      156 parameters   117,600 multiply-accumulates
//   pool1 max 2x2/2                  6x14x14
//   conv2 16 filters 5x5            16x10x10    2,416              240,000
//   pool2 max 2x2/2                 16x5x5
//   fc1                                  120   48,120               48,000
//   fc2                                   84   10,164               10,080
//   fc3                                   10      850                  840
//                                              61,706              416,520
#include "core/layers/conv2d.h"
#include "core/layers/linear.h"
#include "core/layers/max_pool2d.h"
#include "core/layers/relu.h"
#include "core/models/models.h"

namespace fovea {

Graph lenet5(Shape sample_shape, std::int64_t classes) {
  Graph g("lenet5");
  const NodeId image = g.input("image", sample_shape);
  const NodeId conv1 = g.add("conv1", Conv2d(Conv2dOptions{.out_channels = 6, .kernel = 5, .padding = 2}), image);
  const NodeId relu1 = g.add("relu1", Relu(), conv1);
  const NodeId pool1 = g.add("pool1", MaxPool2d(MaxPool2dOptions{.kernel = 2, .stride = 2}), relu1);
  const NodeId conv2 = g.add("conv2", Conv2d(Conv2dOptions{.out_channels = 16, .kernel = 5}), pool1);
  const NodeId relu2 = g.add("relu2", Relu(), conv2);
  const NodeId pool2 = g.add("pool2", MaxPool2d(MaxPool2dOptions{.kernel = 2, .stride = 2}), relu2);
  const NodeId fc1 = g.add("fc1", Linear(LinearOptions{.out_features = 120}), pool2);
  const NodeId relu3 = g.add("relu3", Relu(), fc1);
  const NodeId fc2 = g.add("fc2", Linear(LinearOptions{.out_features = 84}), relu3);
  const NodeId relu4 = g.add("relu4", Relu(), fc2);
  g.add("fc3", Linear(LinearOptions{.out_features = classes}), relu4);
  return g;
}

}  // namespace fovea
