// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "core/graph/net_file.h"
#include "core/layers/conv2d.h"
#include "core/layers/linear.h"
#include "core/layers/relu.h"
#include "core/models/models.h"
#include "core/support/error.h"
#include "tests/net/own_layer.h"

namespace fovea::test {
namespace {

const char* const small_net = R"(
name = "small"
input = [3, 9, 7]

[[layer]]
name = "conv1"
type = "conv2d"
out_channels = 4
kernel = [3, 5]
stride = [2, 1]
padding = [1, 2, 0, 2]
groups = 1
bias = false

[[layer]]
name = "relu1"
type = "relu"

[[layer]]
name = "side"
type = "conv2d"
out_channels = 4
kernel = 1
inputs = ["conv1"]
engine = "library"

[[layer]]
name = "sum"
type = "add"
inputs = ["relu1", "side"]

[[layer]]
name = "fc"
type = "linear"
out_features = 5
)";

const Conv2d& conv2d_of(const Graph& graph, std::string_view name) {
  return dynamic_cast<const Conv2d&>(*graph.node(graph.find(name)).layer);
}

TEST(ReadNet, BuildsTheGraphOfTheFile) {
  const Graph g = parse_net(small_net, "small.toml");
  EXPECT_EQ(g.name(), "small");
  ASSERT_EQ(g.nodes().size(), 6u);
  EXPECT_EQ(g.node(0).name, "image");
  EXPECT_EQ(g.node(0).sample_shape, Shape({3, 9, 7}));
  const Conv2dOptions& o = conv2d_of(g, "conv1").options();
  EXPECT_EQ(o.out_channels, 4);
  EXPECT_EQ(o.kernel, Size2(3, 5));
  EXPECT_EQ(o.stride, Size2(2, 1));
  EXPECT_EQ(o.padding, Padding2(1, 2, 0, 2));
  EXPECT_EQ(o.dilation, Size2(1));  // absent: the default
  EXPECT_FALSE(o.bias);
  EXPECT_TRUE(conv2d_of(g, "side").options().bias);
  EXPECT_EQ(g.node(g.find("side")).engine, "library");
  EXPECT_EQ(g.node(g.find("conv1")).engine, "");
  EXPECT_EQ(g.node(g.find("relu1")).inputs, std::vector<NodeId>{g.find("conv1")});  // the layer above
  EXPECT_EQ(g.node(g.find("sum")).inputs, (std::vector<NodeId>{g.find("relu1"), g.find("side")}));
  EXPECT_EQ(g.shapes(2).back(), Shape({2, 5}));
}

TEST(ReadNet, ReadsEveryKindOfField) {
  const Graph g = parse_net(R"(
input = [4]
[[layer]]
name = "own1"
type = "own"
count = -3
size = 2
margin = [1, 2]
fast = false
scale = 2
mode = "a\"b\\c"
)",
                            "own.toml", types_with_own());
  const OwnOptions& o = dynamic_cast<const OwnLayer&>(*g.node(1).layer).options();
  EXPECT_EQ(o.count, -3);
  EXPECT_EQ(o.size, Size2(2));
  EXPECT_EQ(o.margin, Padding2(1, 2));
  EXPECT_FALSE(o.fast);
  EXPECT_EQ(o.scale, 2.0);
  EXPECT_EQ(o.mode, "a\"b\\c");
}

TEST(ReadNet, TheInputMayHaveAnotherName) {
  const Graph g = parse_net(
      "input = [4]\ninput_name = \"signal\"\n[[layer]]\nname = \"fc\"\ntype = \"linear\"\n"
      "out_features = 2\ninputs = \"signal\"\n",
      "n.toml");
  EXPECT_EQ(g.node(0).name, "signal");
  EXPECT_EQ(g.node(1).inputs, std::vector<NodeId>{0});
}

TEST(WriteNet, IsTheInverseOfReading) {
  const std::string text = write_net(parse_net(small_net, "small.toml"));
  EXPECT_EQ(write_net(parse_net(text, "written.toml")), text);
  const Graph g = parse_net(text, "written.toml");
  EXPECT_EQ(conv2d_of(g, "conv1").options().padding, Padding2(1, 2, 0, 2));
  EXPECT_EQ(g.node(g.find("side")).engine, "library");
  EXPECT_EQ(g.node(g.find("sum")).inputs, (std::vector<NodeId>{g.find("relu1"), g.find("side")}));
}

TEST(WriteNet, RoundTripsEveryBuiltinNet) {
  for (const BuiltinNet& net : builtin_nets()) {
    const Graph g = load_net(net.name);
    const std::string text = write_net(g);
    const Graph again = parse_net(text, "written.toml");
    EXPECT_EQ(write_net(again), text) << net.name;
    ASSERT_EQ(again.nodes().size(), g.nodes().size()) << net.name;
    for (std::size_t i = 0; i < g.nodes().size(); ++i) {
      EXPECT_EQ(again.nodes()[i].name, g.nodes()[i].name);
      EXPECT_EQ(again.nodes()[i].inputs, g.nodes()[i].inputs);
    }
    EXPECT_EQ(again.shapes(3), g.shapes(3)) << net.name;
    // The label and the loss are the trainer's business.
    EXPECT_EQ(write_net(make_classifier(g).graph), text) << net.name;
  }
}

TEST(WriteNet, WritesExactlyThis) {
  Graph g("tiny \"net\"\n");
  const NodeId image = g.input("picture", {1, 4, 4});
  const NodeId conv1 = g.add("c", Conv2d(Conv2dOptions{.out_channels = 2, .kernel = {1, 3}, .padding = {0, 1}}), image);
  g.add("r", Relu(), conv1);
  g.add("fc", Linear(LinearOptions{.out_features = 3, .bias = false}), image);
  EXPECT_EQ(write_net(g), R"(name = "tiny \"net\"\u000A"
input = [1, 4, 4]
input_name = "picture"

[[layer]]
name = "c"
type = "conv2d"
out_channels = 2
kernel = [1, 3]
stride = 1
padding = [0, 1]
dilation = 1
groups = 1
bias = true

[[layer]]
name = "r"
type = "relu"

[[layer]]
name = "fc"
type = "linear"
inputs = ["picture"]
out_features = 3
bias = false
)");
}

TEST(WriteNet, RoundTripsEveryKindOfField) {
  Graph g;
  NodeId at = g.input("image", {4});
  for (const double scale : {0.1, 3.0, -1e300, 5e-324, 1e22}) {
    OwnOptions options{
        .count = -1, .size = {2, 3}, .margin = {1, 2, 3, 4}, .fast = false, .scale = scale, .mode = "\t"};
    at = g.add("own" + std::to_string(at), OwnLayer(options), at);
  }
  const std::string text = write_net(g);
  const Graph again = parse_net(text, "own.toml", types_with_own());
  EXPECT_EQ(write_net(again), text);
  for (NodeId id = 1; id <= at; ++id) {
    const OwnOptions& a = dynamic_cast<const OwnLayer&>(*g.node(id).layer).options();
    const OwnOptions& b = dynamic_cast<const OwnLayer&>(*again.node(id).layer).options();
    EXPECT_EQ(a.count, b.count);
    EXPECT_EQ(a.size, b.size);
    EXPECT_EQ(a.margin, b.margin);
    EXPECT_EQ(a.fast, b.fast);
    EXPECT_EQ(a.scale, b.scale);
    EXPECT_EQ(a.mode, b.mode);
  }
}

TEST(ReadNet, ReadsFilesAndSaysWhichOneItCannot) {
  const std::string path = testing::TempDir() + "/fovea_read_net_test.toml";
  std::ofstream(path) << small_net;
  EXPECT_EQ(read_net(path).name(), "small");
  EXPECT_EQ(load_net(path).name(), "small");
  std::filesystem::remove(path);
  const auto message = [](const std::string& p) {
    try {
      read_net(p);
    } catch (const InputError& e) {
      return std::string(e.what());
    }
    return std::string("no error");
  };
  EXPECT_EQ(message(path), path + ": cannot read the net file: No such file or directory");
  EXPECT_EQ(message(testing::TempDir()), testing::TempDir() + ": cannot read the net file: Is a directory");
}

}  // namespace
}  // namespace fovea::test
