// SPDX-License-Identifier: Apache-2.0
//
// A small fully convolutional net for segmentation, after J. Long, E. Shelhamer, T. Darrell, "Fully convolutional
// networks for semantic segmentation", CVPR 2015: convolutions and poolings see ever more of the image at ever less
// resolution; a 1x1 convolution scores each place; transposed convolutions bring the scores back to the image's size,
// and on the way the scores of finer maps are added (the paper's skips). One score per class and pixel: logits
// [N, classes, H, W]. H and W are multiples of 4. The sizes are ours.
//
//   image 1x32x32                                 parameters  multiply-accumulates
//   conv1 8 filters 3x3, bn1         8x32x32              88               73,728
//   pool1 2x2/2                      8x16x16
//   conv2 16 filters 3x3, bn2       16x16x16           1,184              294,912
//   pool2 2x2/2                     16x8x8
//   conv3 32 filters 3x3, bn3       32x8x8             4,672              294,912
//   conv4 32 filters 3x3, bn4       32x8x8             9,280              589,824
//   score4 1x1                       4x8x8               132                8,192
//   up2   transposed 4x4, stride 2   4x16x16             260               16,384
//   score2 1x1 of relu2, added       4x16x16              68               16,384
//   up1   transposed 4x4, stride 2   4x32x32             260               65,536
//   score1 1x1 of relu1, added       4x32x32              36               32,768
//                                                     15,980            1,392,640
#include <string>

#include "core/layers/add.h"
#include "core/layers/batch_norm.h"
#include "core/layers/conv2d.h"
#include "core/layers/conv_transpose2d.h"
#include "core/layers/max_pool2d.h"
#include "core/layers/relu.h"
#include "core/models/models.h"

namespace fovea {

Graph fcn_small(Shape sample_shape, std::int64_t classes) {
  const MaxPool2dOptions halve{.kernel = 2, .stride = 2};
  const Conv2dOptions score{.out_channels = classes, .kernel = 1};
  const ConvTranspose2dOptions enlarge{.out_channels = classes, .kernel = 4, .stride = 2, .padding = 1};
  Graph g("fcn-small");
  const NodeId image = g.input("image", sample_shape);
  const auto convolution = [&](const std::string& number, std::int64_t filters, NodeId x) {
    x = g.add("conv" + number, Conv2d({.out_channels = filters, .kernel = 3, .padding = 1, .bias = false}), x);
    return g.add("relu" + number, Relu(), g.add("bn" + number, BatchNorm(BatchNormOptions{}), x));
  };
  const NodeId fine = convolution("1", 8, image);
  const NodeId middle = convolution("2", 16, g.add("pool1", MaxPool2d(halve), fine));
  NodeId x = convolution("3", 32, g.add("pool2", MaxPool2d(halve), middle));
  x = convolution("4", 32, x);
  x = g.add("up2", ConvTranspose2d(enlarge), g.add("score4", Conv2d(score), x));
  x = g.add("sum2", Add(), {x, g.add("score2", Conv2d(score), middle)});
  x = g.add("up1", ConvTranspose2d(enlarge), x);
  const NodeId finest = g.add("score1", Conv2d(score), fine);
  g.add("logits", Add(), {x, finest});
  return g;
}

}  // namespace fovea
