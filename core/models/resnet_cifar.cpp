// SPDX-License-Identifier: Apache-2.0
//
// ResNet for CIFAR-10: K. He, X. Zhang, S. Ren, J. Sun, "Deep residual learning for image recognition", CVPR 2016,
// section 4.2: 6n + 2 layers, a first 3x3 convolution and three stages of n blocks with 16, 32 and 64 filters on maps
// of 32x32, 16x16 and 8x8. Shortcuts have no parameters (the paper's option A): where the shape changes, x is taken at
// every second place and its channels are filled up with zeros, half of them in front and half behind as in
// Y. Idelbayev's implementation (the paper does not say where).
//
//             n   parameters  multiply-accumulates
//   resnet20  3      269,722           40,551,040
//   resnet32  5      464,154           68,862,592
//   resnet44  7      658,586           97,174,144
//   resnet56  9      853,018          125,485,696
#include <fmt/core.h>

#include "core/layers/adaptive_pool2d.h"
#include "core/layers/add.h"
#include "core/layers/batch_norm.h"
#include "core/layers/conv2d.h"
#include "core/layers/linear.h"
#include "core/layers/max_pool2d.h"
#include "core/layers/pad.h"
#include "core/layers/relu.h"
#include "core/models/models.h"
#include "core/support/error.h"

namespace fovea {

Graph resnet_cifar(int depth, Shape sample_shape, std::int64_t classes) {
  require(depth >= 8 && (depth - 2) % 6 == 0,
          [&] { return fmt::format("resnet for CIFAR: expected 6n + 2 layers, got {}", depth); });
  Graph g(fmt::format("resnet{}", depth));
  NodeId x = g.input("image", sample_shape);
  const auto convolution_and_norm = [&](const std::string& prefix, int number, std::int64_t filters,
                                        std::int64_t stride, NodeId from) {
    const Conv2dOptions options{.out_channels = filters, .kernel = 3, .stride = stride, .padding = 1, .bias = false};
    const NodeId conv = g.add(fmt::format("{}conv{}", prefix, number), Conv2d(options), from);
    return g.add(fmt::format("{}bn{}", prefix, number), BatchNorm(BatchNormOptions{}), conv);
  };
  x = g.add("relu", Relu(), convolution_and_norm("", 1, 16, 1, x));
  for (int stage = 0; stage < 3; ++stage) {
    const std::int64_t filters = std::int64_t{16} << stage;
    for (int i = 0; i < (depth - 2) / 6; ++i) {
      const std::string block = fmt::format("layer{}-{}-", stage + 1, i);
      const bool halve = stage > 0 && i == 0;
      NodeId shortcut = x;
      if (halve) {
        // A window of one element: every second place, nothing else.
        shortcut = g.add(block + "subsample", MaxPool2d({.kernel = 1, .stride = 2}), shortcut);
        shortcut = g.add(block + "pad", Pad({.front = filters / 4, .back = filters / 4}), shortcut);
      }
      x = g.add(block + "relu1", Relu(), convolution_and_norm(block, 1, filters, halve ? 2 : 1, x));
      x = convolution_and_norm(block, 2, filters, 1, x);
      x = g.add(block + "relu", Relu(), g.add(block + "add", Add(), {x, shortcut}));
    }
  }
  x = g.add("avgpool", AdaptiveAvgPool2d({.output_size = 1}), x);
  g.add("linear", Linear({.out_features = classes}), x);
  return g;
}

}  // namespace fovea
