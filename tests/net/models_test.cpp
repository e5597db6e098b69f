// SPDX-License-Identifier: Apache-2.0
//
// Parameters, multiply-accumulates and shapes of the built-in nets and of the lecture notes' worked examples.
#include "core/models/models.h"

#include <gtest/gtest.h>

#include <map>

#include "core/executor/parameters.h"
#include "core/layers/conv2d.h"
#include "core/layers/linear.h"
#include "core/layers/max_pool2d.h"
#include "core/layers/relu.h"
#include "core/support/error.h"

namespace fovea {
namespace {

std::int64_t parameters(const Graph& graph) { return ParameterLayout::of(graph).parameters; }

std::int64_t macs(const Graph& graph) {
  const std::vector<Shape> shapes = graph.shapes(1);
  std::int64_t sum = 0;
  for (const Node& node : graph.nodes()) {
    if (node.layer == nullptr) continue;
    std::vector<Shape> inputs;
    for (const NodeId id : node.inputs) inputs.push_back(shapes[static_cast<std::size_t>(id)]);
    sum += node.layer->macs(inputs);
  }
  return sum;
}

std::map<std::string, Shape> output_shapes(const Graph& graph) {
  const std::vector<Shape> shapes = graph.shapes(1);
  std::map<std::string, Shape> by_name;
  for (std::size_t i = 0; i < shapes.size(); ++i) by_name[graph.nodes()[i].name] = shapes[i].without_batch();
  return by_name;
}

TEST(Models, ParametersAndMacs) {
  struct Row {
    const char* name;
    std::int64_t parameters, macs;
  };
  for (const Row& row : {Row{"lenet5", 61706, 416520}, Row{"lenet5-1998", 61706, 416520}, Row{"softmax", 7850, 7840},
                         Row{"mlp", 101770, 101632}}) {
    const Graph g = load_net(row.name);
    EXPECT_EQ(parameters(g), row.parameters) << row.name;
    EXPECT_EQ(macs(g), row.macs) << row.name;
    EXPECT_EQ(g.name(), row.name);
    EXPECT_EQ(make_classifier(g).classes(), 10) << row.name;
  }
}

TEST(Models, LeNet5HasTheseShapes) {
  auto shapes = output_shapes(load_net("lenet5"));
  EXPECT_EQ(shapes["conv1"], Shape({6, 28, 28}));
  EXPECT_EQ(shapes["pool1"], Shape({6, 14, 14}));
  EXPECT_EQ(shapes["conv2"], Shape({16, 10, 10}));
  EXPECT_EQ(shapes["pool2"], Shape({16, 5, 5}));
  EXPECT_EQ(shapes["fc1"], Shape({120}));
  EXPECT_EQ(shapes["fc2"], Shape({84}));
  EXPECT_EQ(shapes["fc3"], Shape({10}));
}

TEST(Models, LeNet51998HasThePapersShapes) {
  auto shapes = output_shapes(load_net("lenet5-1998"));
  EXPECT_EQ(shapes["c1"], Shape({6, 28, 28}));
  EXPECT_EQ(shapes["s2"], Shape({6, 14, 14}));
  EXPECT_EQ(shapes["c3"], Shape({16, 10, 10}));
  EXPECT_EQ(shapes["s4"], Shape({16, 5, 5}));
  EXPECT_EQ(shapes["c5"], Shape({120, 1, 1}));
  EXPECT_EQ(shapes["f6"], Shape({84}));
  EXPECT_EQ(find_builtin_net("lenet5-1998")->notes, lenet5_1998_notes);
}

TEST(Models, AreBuiltForOtherData) {
  for (const BuiltinNet& net : builtin_nets()) {
    const Model model = make_classifier(load_net(net.name, {3, 32, 32}, 7));
    EXPECT_EQ(model.sample_shape(), Shape({3, 32, 32}));
    EXPECT_EQ(model.classes(), 7);
  }
}

TEST(Models, UnknownNamesGetASuggestion) {
  const auto message = [](std::string_view name) {
    try {
      load_net(name);
    } catch (const InputError& e) {
      return std::string(e.what());
    }
    return std::string("no error");
  };
  EXPECT_EQ(message("lenet"),
            "unknown net 'lenet': expected lenet5, lenet5-1998, softmax, mlp or a .toml file (did you mean 'lenet5'?)");
  EXPECT_EQ(message("nowhere.toml"), "nowhere.toml: cannot read the net file: No such file or directory");
  EXPECT_EQ(message("./lenet5"), "./lenet5: cannot read the net file: No such file or directory");
}

// The notes: "a layer of 6 filters 5x5x3 turns 32x32x3 into 28x28x6; then 10 filters 5x5x6 give 24x24x10".
TEST(LectureNotes, TwoConvolutionsOfAColourImage) {
  Graph g;
  const NodeId image = g.input("image", {3, 32, 32});
  const NodeId a = g.add("a", Conv2d(Conv2dOptions{.out_channels = 6, .kernel = 5}), image);
  g.add("b", Conv2d(Conv2dOptions{.out_channels = 10, .kernel = 5}), a);
  auto shapes = output_shapes(g);
  EXPECT_EQ(shapes["a"], Shape({6, 28, 28}));
  EXPECT_EQ(shapes["b"], Shape({10, 24, 24}));
  EXPECT_EQ(parameters(g), 6 * (5 * 5 * 3 + 1) + 10 * (5 * 5 * 6 + 1));
}

// W2 = (W1 - F + 2P) / S + 1: image 5, kernel 3, padding 1, stride 2 -> 3.
TEST(LectureNotes, OutputSizeFormula) {
  Graph g;
  g.add("a", Conv2d(Conv2dOptions{.out_channels = 1, .kernel = 3, .stride = 2, .padding = 1}),
        g.input("image", {1, 5, 5}));
  EXPECT_EQ(output_shapes(g)["a"], Shape({1, 3, 3}));
}

// The notes count a 100x100 grey image through three layers of 100 maps 5x5, sub-sampled by 2 each, and 10 classes:
// 5*5*1*100 + 5*5*100*100 + 5*5*100*100 + 12*12*100*10 = 646,500, "about 650 K"; and a dense net
// 10000-100-100-100-10: 1,021,000, "about 1 M". Biases are not counted. Sizes stay (100, 50, 25, 12) with padding 2.
TEST(LectureNotes, ConvolutionsNeedFewerParametersThanDenseLayers) {
  Graph cnn;
  NodeId at = cnn.input("image", {1, 100, 100});
  for (const char* number : {"1", "2", "3"}) {
    const Conv2dOptions options{.out_channels = 100, .kernel = 5, .padding = 2, .bias = false};
    at = cnn.add(std::string("conv") + number, Conv2d(options), at);
    at = cnn.add(std::string("pool") + number, MaxPool2d(MaxPool2dOptions{}), at);
  }
  cnn.add("fc", Linear(LinearOptions{.out_features = 10, .bias = false}), at);
  EXPECT_EQ(parameters(cnn), 646500);

  Graph dense;
  at = dense.input("image", {1, 100, 100});
  for (const char* name : {"a", "b", "c"})
    at = dense.add(name, Linear(LinearOptions{.out_features = 100, .bias = false}), at);
  dense.add("d", Linear(LinearOptions{.out_features = 10, .bias = false}), at);
  EXPECT_EQ(parameters(dense), 1021000);
}

// A dense layer on 32x32x3: stretched to 3072, weights 10x3072.
TEST(LectureNotes, DenseLayerOnAColourImage) {
  const Graph g = softmax_classifier({3, 32, 32}, 10);
  EXPECT_EQ(ParameterLayout::of(g).entries[0].spec.shape, Shape({10, 3072}));
}

}  // namespace
}  // namespace fovea
