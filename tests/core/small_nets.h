// SPDX-License-Identifier: Apache-2.0
//
// Nets that make the planner work: branches, shortcuts, views, and logits that are images.
#pragma once
#include <cstdint>

#include "core/layers/adaptive_pool2d.h"
#include "core/layers/add.h"
#include "core/layers/batch_norm.h"
#include "core/layers/conv2d.h"
#include "core/layers/flatten.h"
#include "core/layers/linear.h"
#include "core/layers/max_pool2d.h"
#include "core/layers/relu.h"
#include "core/layers/tanh.h"
#include "core/support/philox.h"

namespace fovea::test {

// A net with fan-out (the first convolution feeds three layers), a value added to itself, and a view between branches.
inline Model branching() {
  Graph g("branching");
  const NodeId x = g.input("image", {2, 6, 6});
  const NodeId a = g.add("a", Conv2d({.out_channels = 3, .kernel = 3, .padding = 1}), x);
  const NodeId left = g.add("left", Relu(), a);
  const NodeId right = g.add("right", Tanh(), a);
  const NodeId twice = g.add("twice", Add(), {a, a});
  const NodeId sum = g.add("sum", Add(), {left, right});
  const NodeId all = g.add("all", Add(), {sum, twice});
  const NodeId pool = g.add("pool", MaxPool2d({}), all);
  const NodeId flat = g.add("flat", Flatten(), pool);
  g.add("fc", Linear({.out_features = 4}), flat);
  return make_classifier(g);
}

// ResNet in small: a block with a plain shortcut and one that halves the image, 17 channels to fill no block.
inline Model residual() {
  Graph g("residual");
  const auto norm = [&](const std::string& name, NodeId x, const Conv2dOptions& options) {
    return g.add(name + "_norm", BatchNorm({}), g.add(name, Conv2d(options), x));
  };
  const Conv2dOptions same{.out_channels = 6, .kernel = 3, .padding = 1, .bias = false};
  const Conv2dOptions half{.out_channels = 17, .kernel = 3, .stride = 2, .padding = 1, .bias = false};
  const NodeId x = g.add("relu0", Relu(), norm("conv0", g.input("image", {3, 8, 8}), same));
  const NodeId a = g.add("relu1", Relu(), norm("conv1", x, same));
  const NodeId b = g.add("add2", Add(), {norm("conv2", a, same), x});
  const NodeId c = g.add("relu2", Relu(), b);
  const NodeId d = g.add("relu3", Relu(), norm("conv3", c, half));
  const NodeId shortcut = norm("conv4", c, {.out_channels = 17, .kernel = 1, .stride = 2, .bias = false});
  const NodeId e = g.add("relu4", Relu(), g.add("add4", Add(), {d, shortcut}));
  g.add("fc", Linear({.out_features = 4}), g.add("flat", Flatten(), g.add("mean", GlobalAvgPool2d(), e)));
  return make_classifier(g);
}

// Values that a ReLU reads and a shortcut too, and an image that two convolutions read.
inline Model preactivated() {
  Graph g("preactivated");
  const NodeId x = g.input("image", {2, 6, 6});
  const Conv2dOptions options{.out_channels = 5, .kernel = 3, .padding = 1};
  const NodeId a = g.add("norm", BatchNorm({}), g.add("conv0", Conv2d(options), x));
  const NodeId b = g.add("conv1", Conv2d(options), g.add("relu0", Relu(), a));
  const NodeId c = g.add("add0", Add(), {a, b});
  const NodeId d = g.add("add1", Add(), {g.add("relu1", Relu(), c), g.add("conv2", Conv2d(options), x)});
  g.add("fc", Linear({.out_features = 4}), g.add("mean", GlobalAvgPool2d(), g.add("add2", Add(), {c, d})));
  return make_classifier(g);
}

// Flatten behind an image of several positions, whose layout it must undo.
inline Model flattening() {
  Graph g("flattening");
  const NodeId a = g.add("conv", Conv2d({.out_channels = 5, .kernel = 3}), g.input("image", {1, 8, 8}));
  const NodeId pool = g.add("pool", MaxPool2d({}), g.add("relu", Relu(), a));
  g.add("fc", Linear({.out_features = 4}), g.add("flat", Flatten(), pool));
  return make_classifier(g);
}

// Winners in windows that differ in size, and flatten behind them.
inline Model peaks() {
  Graph g("peaks");
  const NodeId a = g.add("conv", Conv2d({.out_channels = 5, .kernel = 3}), g.input("image", {2, 8, 7}));
  const NodeId pool = g.add("pool", AdaptiveMaxPool2d({.output_size = {2, 3}}), a);
  g.add("fc", Linear({.out_features = 4}), g.add("flat", Flatten(), pool));
  return make_classifier(g);
}

// Logits for every pixel: the target is an image.
inline Model pixelwise() {
  Graph g("pixelwise");
  const NodeId a = g.add("conv", Conv2d({.out_channels = 5, .kernel = 3, .padding = 1}), g.input("image", {2, 5, 4}));
  g.add("score", Conv2d({.out_channels = 4, .kernel = 1}), g.add("relu", Relu(), a));
  return make_classifier(g);
}

inline Tensor random_tensor(const Shape& shape, std::uint64_t index) {
  Tensor t(shape);
  RandomStream random(11, RandomPurpose::test, index);
  for (float& v : t.span<float>()) v = random.uniform(-1, 1);
  return t;
}

inline Tensor labels(const Shape& shape, std::int32_t classes) {
  Tensor t(shape, DType::i32);
  std::int32_t next = 0;
  for (std::int32_t& label : t.span<std::int32_t>()) label = next++ % classes;
  return t;
}

}  // namespace fovea::test
