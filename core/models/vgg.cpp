// SPDX-License-Identifier: Apache-2.0
//
// VGG: K. Simonyan, A. Zisserman, "Very deep convolutional networks for large-scale image recognition", ICLR 2015,
// table 1, columns A (11), B (13), D (16), E (19); with batch normalisation as torchvision's vgg*_bn. Nothing but 3x3
// filters, and 2x2 pooling that halves five times while the filters double. Layers are named like torchvision's
// parameters: features.0.weight is features-0.weight here. As there, an adaptive pooling to 7x7 precedes the dense
// layers, so that images from 32x32 are taken.
//
//           parameters      with bn      multiply-accumulates of a 224x224 image (without bn)
//   vgg11  132,863,336  132,868,840       7,609,090,048
//   vgg13  133,047,848  133,053,736      11,308,466,176
//   vgg16  138,357,544  138,365,992      15,470,264,320
//   vgg19  143,667,240  143,678,248      19,632,062,464
#include <fmt/core.h>

#include <array>

#include "core/layers/adaptive_pool2d.h"
#include "core/layers/batch_norm.h"
#include "core/layers/conv2d.h"
#include "core/layers/dropout.h"
#include "core/layers/linear.h"
#include "core/layers/max_pool2d.h"
#include "core/layers/relu.h"
#include "core/models/models.h"
#include "core/support/error.h"

namespace fovea {
namespace {

// Convolutions before each of the five poolings.
std::array<int, 5> convolutions_of(int depth) {
  switch (depth) {
    case 11:
      return {1, 1, 2, 2, 2};
    case 13:
      return {2, 2, 2, 2, 2};
    case 16:
      return {2, 2, 3, 3, 3};
    case 19:
      return {2, 2, 4, 4, 4};
    default:
      throw InputError(fmt::format("vgg: expected 11, 13, 16 or 19 layers, got {}", depth));
  }
}

}  // namespace

Graph vgg(int depth, bool batch_norm, Shape sample_shape, std::int64_t classes) {
  constexpr std::array<int, 5> filters{64, 128, 256, 512, 512};
  const std::array<int, 5> convolutions = convolutions_of(depth);
  Graph g(fmt::format("vgg{}{}", depth, batch_norm ? "_bn" : ""));
  NodeId x = g.input("image", sample_shape);
  int number = 0;  // in torchvision's Sequential
  const auto next = [&] { return fmt::format("features-{}", number++); };
  for (std::size_t stage = 0; stage < filters.size(); ++stage) {
    for (int i = 0; i < convolutions[stage]; ++i) {
      x = g.add(next(), Conv2d({.out_channels = filters[stage], .kernel = 3, .padding = 1}), x);
      if (batch_norm) x = g.add(next(), BatchNorm(BatchNormOptions{}), x);
      x = g.add(next(), Relu(), x);
    }
    x = g.add(next(), MaxPool2d({.kernel = 2, .stride = 2}), x);
  }
  x = g.add("avgpool", AdaptiveAvgPool2d({.output_size = 7}), x);
  x = g.add("classifier-0", Linear({.out_features = 4096}), x);
  x = g.add("classifier-1", Relu(), x);
  x = g.add("classifier-2", Dropout({.rate = 0.5}), x);
  x = g.add("classifier-3", Linear({.out_features = 4096}), x);
  x = g.add("classifier-4", Relu(), x);
  x = g.add("classifier-5", Dropout({.rate = 0.5}), x);
  g.add("classifier-6", Linear({.out_features = classes}), x);
  return g;
}

}  // namespace fovea
