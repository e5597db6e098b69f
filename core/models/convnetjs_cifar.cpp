// SPDX-License-Identifier: Apache-2.0
//
// The net of A. Karpathy's ConvNetJS demo, which learns CIFAR-10 in a browser
// (cs.stanford.edu/people/karpathy/convnetjs/demo/cifar10.html): three convolutions 5x5, each halved by max pooling.
//
//   image 3x32x32                     parameters  multiply-accumulates
//   conv1 16 filters 5x5   16x32x32        1,216            1,228,800
//   pool1 2x2/2            16x16x16
//   conv2 20 filters 5x5   20x16x16        8,020            2,048,000
//   pool2 2x2/2            20x8x8
//   conv3 20 filters 5x5   20x8x8         10,020              640,000
//   pool3 2x2/2            20x4x4
//   fc                           10        3,210                3,200
//                                         22,466            3,920,000
#include <string>

#include "core/layers/conv2d.h"
#include "core/layers/linear.h"
#include "core/layers/max_pool2d.h"
#include "core/layers/relu.h"
#include "core/models/models.h"

namespace fovea {

Graph convnetjs_cifar(Shape sample_shape, std::int64_t classes) {
  Graph g("convnetjs-cifar");
  NodeId x = g.input("image", sample_shape);
  int stage = 0;
  for (const int filters : {16, 20, 20}) {
    const std::string number = std::to_string(++stage);
    x = g.add("conv" + number, Conv2d({.out_channels = filters, .kernel = 5, .padding = 2}), x);
    x = g.add("relu" + number, Relu(), x);
    x = g.add("pool" + number, MaxPool2d({.kernel = 2, .stride = 2}), x);
  }
  g.add("fc", Linear({.out_features = classes}), x);
  return g;
}

}  // namespace fovea
