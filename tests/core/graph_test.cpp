// SPDX-License-Identifier: Apache-2.0
#include "core/graph/graph.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "core/executor/parameters.h"
#include "core/layers/add.h"
#include "core/layers/conv2d.h"
#include "core/layers/flatten.h"
#include "core/layers/linear.h"
#include "core/layers/relu.h"
#include "core/support/error.h"

namespace fovea {
namespace {

Graph residual() {
  Graph g("residual");
  const NodeId x = g.input("image", {2, 4, 4});
  const NodeId c = g.add("conv", Conv2d({.out_channels = 2, .kernel = 3, .padding = 1}), x);
  const NodeId s = g.add("sum", Add(), {x, c});
  const NodeId r = g.add("relu", Relu(), s);
  const NodeId f = g.add("flat", Flatten(), r);
  g.add("fc", Linear({.out_features = 3}), f);
  return g;
}

TEST(Graph, InfersShapesForAnyBatch) {
  const Graph g = residual();
  EXPECT_EQ(g.shapes(5)[static_cast<std::size_t>(g.find("sum"))], (Shape{5, 2, 4, 4}));
  EXPECT_EQ(g.shapes(5)[static_cast<std::size_t>(g.find("fc"))], (Shape{5, 3}));
}

TEST(Graph, NamesTheLayerThatDoesNotFit) {
  Graph g;
  const NodeId x = g.input("image", {2, 4, 4});
  const NodeId c = g.add("conv", Conv2d({.out_channels = 3, .kernel = 1}), x);
  try {
    g.add("sum", Add(), {x, c});
    FAIL();
  } catch (const InputError& e) {
    EXPECT_STREQ(e.what(), "layer 'sum': expected two inputs of one shape, got [1, 2, 4, 4] and [1, 3, 4, 4]");
  }
}

TEST(Graph, RefusesBadNamesAndInputs) {
  Graph g;
  const NodeId x = g.input("image", {4});
  EXPECT_THROW(g.input("image", {4}), InputError);
  EXPECT_THROW(g.add("a b", Relu(), x), InputError);
  EXPECT_THROW(g.add("", Relu(), x), InputError);
  EXPECT_THROW(g.add("image", Relu(), x), InputError);
  EXPECT_THROW(g.add("sum", Add(), {x}), InputError);
  EXPECT_THROW(g.add("relu", Relu(), 7), InputError);
  EXPECT_THROW(g.input("empty", {0, 4}), InputError);
  EXPECT_EQ(g.nodes().size(), 1u);  // nothing half-added
}

TEST(Graph, FindSuggests) {
  try {
    residual().find("relo");
    FAIL();
  } catch (const InputError& e) {
    EXPECT_NE(std::string(e.what()).find("did you mean 'relu'"), std::string::npos) << e.what();
  }
}

TEST(ParameterLayout, AlignsAndCounts) {
  const ParameterLayout layout = ParameterLayout::of(residual());
  ASSERT_EQ(layout.entries.size(), 4u);
  EXPECT_EQ(layout.entries[0].name, "conv.weight");
  EXPECT_EQ(layout.entries[1].offset % 64, 0);
  EXPECT_EQ(layout.parameters, 2 * 2 * 9 + 2 + 32 * 3 + 3);
}

TEST(ParameterArena, InitialisesByKaimingUniformAndSeed) {
  const ParameterLayout layout = ParameterLayout::of(residual());
  ParameterArena a(layout, host_memory()), b(layout, host_memory()), c(layout, host_memory());
  initialise(a, 1), initialise(b, 1), initialise(c, 2);
  const Tensor wa = a.get(2), wb = b.get(2), wc = c.get(2);
  const float bound = std::sqrt(1.0f / 32);
  float most = 0;
  bool differ = false;
  for (std::size_t i = 0; i < 96; ++i) {
    EXPECT_EQ(wa.span<float>()[i], wb.span<float>()[i]);
    differ |= wa.span<float>()[i] != wc.span<float>()[i];
    most = std::max(most, std::abs(wa.span<float>()[i]));
  }
  EXPECT_TRUE(differ);
  EXPECT_LE(most, bound);
  EXPECT_GT(most, 0.9f * bound);
  const Tensor biases = a.get(3);
  for (const float bias : biases.span<float>()) EXPECT_EQ(bias, 0);
}

TEST(MakeClassifier, NeedsLogits) {
  Graph g("no-logits");
  EXPECT_THROW(make_classifier(g), InputError);
  const NodeId image = g.input("image", {1, 4, 5});
  EXPECT_THROW(make_classifier(g), InputError) << "an input is no layer's output";
  EXPECT_EQ(make_classifier(residual()).classes(), 3);
  // An image of logits classifies every position.
  g.add("conv", Conv2d({.out_channels = 2, .kernel = 1}), image);
  const Model model = make_classifier(g);
  EXPECT_EQ(model.classes(), 2);
  EXPECT_EQ(model.graph.node(model.label).sample_shape, (Shape{4, 5}));
}

}  // namespace
}  // namespace fovea
