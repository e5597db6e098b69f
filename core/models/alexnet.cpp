// SPDX-License-Identifier: Apache-2.0
//
// AlexNet with one tower, as torchvision has it: A. Krizhevsky, "One weird trick for parallelizing convolutional neural
// networks", 2014. No groups, no normalisation. Layers are named like torchvision's parameters: features.0.weight is
// features-0.weight here. Images from 63x63.
//
//   image 3x224x224                                         parameters  multiply-accumulates
//   features-0  64 filters 11x11, stride 4    64x55x55          23,296           70,276,800
//   features-2  max 3x3/2                     64x27x27
//   features-3  192 filters 5x5              192x27x27         307,392          223,948,800
//   features-5  max 3x3/2                    192x13x13
//   features-6  384 filters 3x3              384x13x13         663,936          112,140,288
//   features-8  256 filters 3x3              256x13x13         884,992          149,520,384
//   features-10 256 filters 3x3              256x13x13         590,080           99,680,256
//   features-12 max 3x3/2                    256x6x6
//   avgpool     to 6x6, whatever comes in    256x6x6
//   classifier-1, classifier-4                    4096      54,534,144           54,525,952
//   classifier-6                                  1000       4,097,000            4,096,000
//                                                           61,100,840          714,188,480
#include "core/layers/adaptive_pool2d.h"
#include "core/layers/conv2d.h"
#include "core/layers/dropout.h"
#include "core/layers/linear.h"
#include "core/layers/max_pool2d.h"
#include "core/layers/relu.h"
#include "core/models/models.h"

namespace fovea {

Graph alexnet(Shape sample_shape, std::int64_t classes) {
  const MaxPool2dOptions overlapping{.kernel = 3, .stride = 2};
  Graph g("alexnet");
  NodeId x = g.input("image", sample_shape);
  x = g.add("features-0", Conv2d({.out_channels = 64, .kernel = 11, .stride = 4, .padding = 2}), x);
  x = g.add("features-1", Relu(), x);
  x = g.add("features-2", MaxPool2d(overlapping), x);
  x = g.add("features-3", Conv2d({.out_channels = 192, .kernel = 5, .padding = 2}), x);
  x = g.add("features-4", Relu(), x);
  x = g.add("features-5", MaxPool2d(overlapping), x);
  x = g.add("features-6", Conv2d({.out_channels = 384, .kernel = 3, .padding = 1}), x);
  x = g.add("features-7", Relu(), x);
  x = g.add("features-8", Conv2d({.out_channels = 256, .kernel = 3, .padding = 1}), x);
  x = g.add("features-9", Relu(), x);
  x = g.add("features-10", Conv2d({.out_channels = 256, .kernel = 3, .padding = 1}), x);
  x = g.add("features-11", Relu(), x);
  x = g.add("features-12", MaxPool2d(overlapping), x);
  x = g.add("avgpool", AdaptiveAvgPool2d({.output_size = 6}), x);
  x = g.add("classifier-0", Dropout({.rate = 0.5}), x);
  x = g.add("classifier-1", Linear({.out_features = 4096}), x);
  x = g.add("classifier-2", Relu(), x);
  x = g.add("classifier-3", Dropout({.rate = 0.5}), x);
  x = g.add("classifier-4", Linear({.out_features = 4096}), x);
  x = g.add("classifier-5", Relu(), x);
  g.add("classifier-6", Linear({.out_features = classes}), x);
  return g;
}

}  // namespace fovea
