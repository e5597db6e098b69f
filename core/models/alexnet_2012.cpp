// SPDX-License-Identifier: Apache-2.0
//
// AlexNet after A. Krizhevsky, I. Sutskever, G. E. Hinton, "ImageNet classification with deep convolutional neural
// networks", NIPS 2012. The paper's: filters, strides and the two halves of conv2, conv4, conv5 (groups: each half
// sees one GPU's maps); LRN with n = 5, k = 2, alpha = 1e-4 (not divided by n), beta = 0.75 after conv1 and conv2;
// pooling 3x3 with stride 2; dropout 0.5 before fc7 and fc8; "60 million parameters". Not said there, but what its
// sizes need: 227x227 images for 55x55 maps of conv1, padding 2 in conv2 and 1 in conv3 to conv5.
//
//   image 3x227x227                                  parameters  multiply-accumulates
//   conv1 96 filters 11x11, stride 4   96x55x55          34,944          105,415,200
//   pool1 3x3/2                        96x27x27
//   conv2 256 filters 5x5, 2 groups   256x27x27         307,456          223,948,800
//   pool2 3x3/2                       256x13x13
//   conv3 384 filters 3x3             384x13x13         885,120          149,520,384
//   conv4 384 filters 3x3, 2 groups   384x13x13         663,936          112,140,288
//   conv5 256 filters 3x3, 2 groups   256x13x13         442,624           74,760,192
//   pool5 3x3/2                       256x6x6
//   fc6, fc7                               4096      54,534,144           54,525,952
//   fc8                                    1000       4,097,000            4,096,000
//                                                    60,965,224          724,406,816
#include "core/layers/conv2d.h"
#include "core/layers/dropout.h"
#include "core/layers/linear.h"
#include "core/layers/lrn.h"
#include "core/layers/max_pool2d.h"
#include "core/layers/relu.h"
#include "core/models/models.h"

namespace fovea {

const std::string_view alexnet_2012_notes =
    "input: 227x227, which gives conv1 the paper's 55x55 outputs; the paper says 224x224\n"
    "start: Kaiming-uniform weights, biases 0; the paper has weights N(0, 0.01^2) and biases 1 in conv2, conv4, conv5, "
    "fc6 and fc7";

Graph alexnet_2012(Shape sample_shape, std::int64_t classes) {
  const LrnOptions lrn{.size = 5, .alpha = 1e-4, .beta = 0.75, .k = 2, .divide_by_size = false};
  const MaxPool2dOptions overlapping{.kernel = 3, .stride = 2};
  Graph g("alexnet-2012");
  NodeId x = g.input("image", sample_shape);
  x = g.add("conv1", Conv2d({.out_channels = 96, .kernel = 11, .stride = 4}), x);
  x = g.add("relu1", Relu(), x);
  x = g.add("norm1", Lrn(lrn), x);
  x = g.add("pool1", MaxPool2d(overlapping), x);
  x = g.add("conv2", Conv2d({.out_channels = 256, .kernel = 5, .padding = 2, .groups = 2}), x);
  x = g.add("relu2", Relu(), x);
  x = g.add("norm2", Lrn(lrn), x);
  x = g.add("pool2", MaxPool2d(overlapping), x);
  x = g.add("conv3", Conv2d({.out_channels = 384, .kernel = 3, .padding = 1}), x);
  x = g.add("relu3", Relu(), x);
  x = g.add("conv4", Conv2d({.out_channels = 384, .kernel = 3, .padding = 1, .groups = 2}), x);
  x = g.add("relu4", Relu(), x);
  x = g.add("conv5", Conv2d({.out_channels = 256, .kernel = 3, .padding = 1, .groups = 2}), x);
  x = g.add("relu5", Relu(), x);
  x = g.add("pool5", MaxPool2d(overlapping), x);
  x = g.add("fc6", Linear({.out_features = 4096}), x);
  x = g.add("relu6", Relu(), x);
  x = g.add("drop6", Dropout({.rate = 0.5}), x);
  x = g.add("fc7", Linear({.out_features = 4096}), x);
  x = g.add("relu7", Relu(), x);
  x = g.add("drop7", Dropout({.rate = 0.5}), x);
  g.add("fc8", Linear({.out_features = classes}), x);
  return g;
}

}  // namespace fovea
