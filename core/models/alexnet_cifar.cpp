// SPDX-License-Identifier: Apache-2.0
//
// AlexNet's filters for images of 32x32, as W. Yang's collection of CIFAR nets has them (github.com/bearpaw/
// pytorch-classification, models/cifar/alexnet.py, there given as 2.47 M parameters): conv1 padded by 5 so that 8x8
// maps are left, pooling 2x2, one dense layer. Images from 29x29.
//
//   image 3x32x32                                        parameters  multiply-accumulates
//   features-0  64 filters 11x11, stride 4    64x8x8         23,296           1,486,848
//   features-2  max 2x2/2                     64x4x4
//   features-3  192 filters 5x5              192x4x4        307,392           4,915,200
//   features-5  max 2x2/2                    192x2x2
//   features-6  384 filters 3x3              384x2x2        663,936           2,654,208
//   features-8  256 filters 3x3              256x2x2        884,992           3,538,944
//   features-10 256 filters 3x3              256x2x2        590,080           2,359,296
//   features-12 max 2x2/2                    256x1x1
//   classifier                                    10          2,570               2,560
//                                                         2,472,266          14,957,056
#include "core/layers/conv2d.h"
#include "core/layers/linear.h"
#include "core/layers/max_pool2d.h"
#include "core/layers/relu.h"
#include "core/models/models.h"

namespace fovea {

Graph alexnet_cifar(Shape sample_shape, std::int64_t classes) {
  const MaxPool2dOptions halve{.kernel = 2, .stride = 2};
  Graph g("alexnet-cifar");
  NodeId x = g.input("image", sample_shape);
  x = g.add("features-0", Conv2d({.out_channels = 64, .kernel = 11, .stride = 4, .padding = 5}), x);
  x = g.add("features-1", Relu(), x);
  x = g.add("features-2", MaxPool2d(halve), x);
  x = g.add("features-3", Conv2d({.out_channels = 192, .kernel = 5, .padding = 2}), x);
  x = g.add("features-4", Relu(), x);
  x = g.add("features-5", MaxPool2d(halve), x);
  x = g.add("features-6", Conv2d({.out_channels = 384, .kernel = 3, .padding = 1}), x);
  x = g.add("features-7", Relu(), x);
  x = g.add("features-8", Conv2d({.out_channels = 256, .kernel = 3, .padding = 1}), x);
  x = g.add("features-9", Relu(), x);
  x = g.add("features-10", Conv2d({.out_channels = 256, .kernel = 3, .padding = 1}), x);
  x = g.add("features-11", Relu(), x);
  x = g.add("features-12", MaxPool2d(halve), x);
  g.add("classifier", Linear({.out_features = classes}), x);
  return g;
}

}  // namespace fovea
