// SPDX-License-Identifier: Apache-2.0
//
// ResNet: K. He, X. Zhang, S. Ren, J. Sun, "Deep residual learning for image recognition", CVPR 2016, table 1: blocks
// that add what they compute to what they were given, y = relu(F(x) + x). Where F changes the shape, x goes through a
// 1x1 convolution with the same stride (the paper's option B). Layers are named like torchvision's parameters:
// layer1.0.conv1.weight is layer1-0-conv1.weight here. Images from 32x32.
//
//             block                        blocks     parameters  multiply-accumulates of a 224x224 image
//   resnet18  basic: 3x3, 3x3              2, 2, 2, 2  11,689,512  1,814,073,344
//   resnet34  basic                        3, 4, 6, 3  21,797,672  3,663,761,408
//   resnet50  bottleneck: 1x1, 3x3, 1x1    3, 4, 6, 3  25,557,032  4,089,184,256
//
// As in torchvision ("ResNet v1.5") a bottleneck's stride is in its 3x3 convolution; in the paper in its first 1x1.
#include <fmt/core.h>

#include <array>

#include "core/layers/adaptive_pool2d.h"
#include "core/layers/add.h"
#include "core/layers/batch_norm.h"
#include "core/layers/conv2d.h"
#include "core/layers/linear.h"
#include "core/layers/max_pool2d.h"
#include "core/layers/relu.h"
#include "core/models/models.h"
#include "core/support/error.h"

namespace fovea {

const std::string_view resnet50_notes =
    "stride: in the 3x3 convolution of a bottleneck, as in torchvision; the paper has it in the first 1x1";

namespace {

struct Blocks {
  std::array<int, 4> count;
  bool bottleneck;
};

Blocks blocks_of(int depth) {
  switch (depth) {
    case 18:
      return {{2, 2, 2, 2}, false};
    case 34:
      return {{3, 4, 6, 3}, false};
    case 50:
      return {{3, 4, 6, 3}, true};
    default:
      throw InputError(fmt::format("resnet: expected 18, 34 or 50 layers, got {}", depth));
  }
}

class Builder {
 public:
  explicit Builder(Graph& graph) : g_(graph) {}

  NodeId convolution_and_norm(const std::string& convolution, const std::string& norm, Conv2dOptions options,
                              NodeId x) {
    options.bias = false;  // the norm subtracts it again
    return g_.add(norm, BatchNorm(BatchNormOptions{}), g_.add(convolution, Conv2d(options), x));
  }

  // A block named `name` of `width` filters; a bottleneck gives 4 * width maps.
  NodeId block(const std::string& name, bool bottleneck, std::int64_t width, std::int64_t stride, bool project,
               NodeId x) {
    const std::int64_t out = bottleneck ? 4 * width : width;
    const auto conv = [&](int i, Conv2dOptions options, NodeId from) {
      return convolution_and_norm(fmt::format("{}-conv{}", name, i), fmt::format("{}-bn{}", name, i), options, from);
    };
    const auto relu = [&](int i, NodeId from) { return g_.add(fmt::format("{}-relu{}", name, i), Relu(), from); };
    NodeId y = x;
    if (bottleneck) {
      y = relu(1, conv(1, {.out_channels = width, .kernel = 1}, y));
      y = relu(2, conv(2, {.out_channels = width, .kernel = 3, .stride = stride, .padding = 1}, y));
      y = conv(3, {.out_channels = out, .kernel = 1}, y);
    } else {
      y = relu(1, conv(1, {.out_channels = width, .kernel = 3, .stride = stride, .padding = 1}, y));
      y = conv(2, {.out_channels = width, .kernel = 3, .padding = 1}, y);
    }
    if (project)
      x = convolution_and_norm(name + "-downsample-0", name + "-downsample-1",
                               {.out_channels = out, .kernel = 1, .stride = stride}, x);
    return g_.add(name + "-relu", Relu(), g_.add(name + "-add", Add(), {y, x}));
  }

 private:
  Graph& g_;
};

}  // namespace

Graph resnet(int depth, Shape sample_shape, std::int64_t classes) {
  const auto [count, bottleneck] = blocks_of(depth);
  Graph g(fmt::format("resnet{}", depth));
  Builder builder(g);
  NodeId x = g.input("image", sample_shape);
  x = builder.convolution_and_norm("conv1", "bn1", {.out_channels = 64, .kernel = 7, .stride = 2, .padding = 3}, x);
  x = g.add("relu", Relu(), x);
  x = g.add("maxpool", MaxPool2d({.kernel = 3, .stride = 2, .padding = 1}), x);
  for (std::size_t stage = 0; stage < count.size(); ++stage) {
    for (int i = 0; i < count[stage]; ++i) {
      const bool halve = stage > 0 && i == 0;
      const bool project = i == 0 && (halve || bottleneck);  // else F keeps the shape
      x = builder.block(fmt::format("layer{}-{}", stage + 1, i), bottleneck, std::int64_t{64} << stage, halve ? 2 : 1,
                        project, x);
    }
  }
  x = g.add("avgpool", AdaptiveAvgPool2d({.output_size = 1}), x);
  g.add("fc", Linear({.out_features = classes}), x);
  return g;
}

}  // namespace fovea
