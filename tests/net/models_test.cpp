// SPDX-License-Identifier: Apache-2.0
//
// Parameters, multiply-accumulates and shapes of the built-in nets and of the lecture notes' worked examples.
#include "core/models/models.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>

#include "core/executor/parameters.h"
#include "core/graph/net_file.h"
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

// Parameters and multiply-accumulates of a sample of the default shape. Sources:
// - torchvision: num_params and _ops (in 10^9) of the weights' documentation, pytorch.org/vision/stable/models: alexnet
//   61,100,840 and 0.71; vgg11 132,863,336 and 7.61; vgg13 133,047,848 and 11.31; vgg16 138,357,544 and 15.47; vgg19
//   143,667,240 and 19.63; vgg*_bn 132,868,840, 133,053,736, 138,365,992, 143,678,248; resnet18 11,689,512 and 1.81;
//   resnet34 21,797,672 and 3.66; resnet50 25,557,032 and 4.09. It counts convolutions and dense layers, as we do.
// - alexnet-2012: 61 M weights and 724 M multiply-accumulates in V. Sze et al., "Efficient processing of deep neural
//   networks", Proc. IEEE 105(12), 2017, table 2; the paper itself says 60 M parameters.
// - resnet20 to 56: 0.27, 0.46, 0.66, 0.85 M in He et al. 2016, table 6; 4.06e7, 6.89e7 and 1.25e8 for 20, 32 and 56 in
//   Y. He et al., "Filter pruning via geometric median", CVPR 2019, table 1; 269,722 and so on exactly.
// - alexnet-cifar: 2.47 M in its source's README. The others are counted by hand in their files.
struct Published {
  const char* name;
  std::int64_t parameters, macs;
};
const Published published[] = {
    {"softmax", 7850, 7840},
    {"svm", 7850, 7840},
    {"perceptron", 7850, 7840},
    {"adaline", 7850, 7840},
    {"mlp", 101770, 101632},
    {"lenet5", 61706, 416520},
    {"lenet5-1998", 61706, 416520},
    {"alexnet-2012", 60965224, 724406816},
    {"alexnet", 61100840, 714188480},
    {"alexnet-cifar", 2472266, 14957056},
    {"vgg11", 132863336, 7609090048},
    {"vgg11_bn", 132868840, 7609090048},
    {"vgg13", 133047848, 11308466176},
    {"vgg13_bn", 133053736, 11308466176},
    {"vgg16", 138357544, 15470264320},
    {"vgg16_bn", 138365992, 15470264320},
    {"vgg19", 143667240, 19632062464},
    {"vgg19_bn", 143678248, 19632062464},
    {"resnet18", 11689512, 1814073344},
    {"resnet34", 21797672, 3663761408},
    {"resnet50", 25557032, 4089184256},
    {"resnet20", 269722, 40551040},
    {"resnet32", 464154, 68862592},
    {"resnet44", 658586, 97174144},
    {"resnet56", 853018, 125485696},
    {"convnetjs-cifar", 22466, 3920000},
    {"fcn-small", 15980, 1392640},
    {"conv1d-small", 3316, 40960},
};

TEST(Models, HaveThePublishedParametersAndMacs) {
  EXPECT_EQ(std::size(published), builtin_nets().size());
  for (const Published& row : published) {
    const BuiltinNet* net = find_builtin_net(row.name);
    ASSERT_NE(net, nullptr) << row.name;
    const Graph g = load_net(row.name);
    EXPECT_EQ(parameters(g), row.parameters) << row.name;
    EXPECT_EQ(macs(g), row.macs) << row.name;
    EXPECT_EQ(g.name(), row.name);
    EXPECT_EQ(make_classifier(g).classes(), net->classes) << row.name;
    EXPECT_EQ(make_classifier(g).sample_shape(), net->sample_shape) << row.name;
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

TEST(Models, AlexNet2012HasThePapersShapes) {
  auto shapes = output_shapes(load_net("alexnet-2012"));
  EXPECT_EQ(shapes["conv1"], Shape({96, 55, 55}));
  EXPECT_EQ(shapes["pool1"], Shape({96, 27, 27}));
  EXPECT_EQ(shapes["conv2"], Shape({256, 27, 27}));
  EXPECT_EQ(shapes["conv3"], Shape({384, 13, 13}));
  EXPECT_EQ(shapes["conv4"], Shape({384, 13, 13}));
  EXPECT_EQ(shapes["conv5"], Shape({256, 13, 13}));
  EXPECT_EQ(shapes["pool5"], Shape({256, 6, 6}));
  EXPECT_EQ(shapes["fc7"], Shape({4096}));
}

TEST(Models, ResNetsHaveThePapersShapes) {
  auto shapes = output_shapes(load_net("resnet50"));
  EXPECT_EQ(shapes["conv1"], Shape({64, 112, 112}));
  EXPECT_EQ(shapes["layer1-2-add"], Shape({256, 56, 56}));
  EXPECT_EQ(shapes["layer2-3-add"], Shape({512, 28, 28}));
  EXPECT_EQ(shapes["layer3-5-add"], Shape({1024, 14, 14}));
  EXPECT_EQ(shapes["layer4-2-add"], Shape({2048, 7, 7}));
  shapes = output_shapes(load_net("resnet20"));
  EXPECT_EQ(shapes["layer1-2-add"], Shape({16, 32, 32}));
  EXPECT_EQ(shapes["layer2-0-subsample"], Shape({16, 16, 16}));
  EXPECT_EQ(shapes["layer2-0-pad"], Shape({32, 16, 16}));
  EXPECT_EQ(shapes["layer3-2-add"], Shape({64, 8, 8}));
}

// torchvision's names with '.' as '-', so that its weights can be loaded by name.
TEST(Models, ParametersAreNamedAfterTorchvisions) {
  const auto has = [](const char* net, const char* name) {
    const ParameterLayout layout = ParameterLayout::of(load_net(net));
    return std::any_of(layout.entries.begin(), layout.entries.end(), [&](const auto& e) { return e.name == name; });
  };
  for (const char* name : {"features-0.weight", "features-10.bias", "classifier-1.weight", "classifier-6.bias"})
    EXPECT_TRUE(has("alexnet", name)) << name;
  for (const char* name : {"features-28.weight", "classifier-0.weight", "classifier-6.weight"})
    EXPECT_TRUE(has("vgg16", name)) << name;
  for (const char* name : {"features-41.weight", "features-40.bias"}) EXPECT_TRUE(has("vgg16_bn", name)) << name;
  for (const char* name : {"conv1.weight", "bn1.weight", "layer1-0-conv1.weight", "layer2-0-downsample-0.weight",
                           "layer4-2-bn3.bias", "fc.weight"})
    EXPECT_TRUE(has("resnet50", name)) << name;
  EXPECT_FALSE(has("resnet50", "conv1.bias"));
}

TEST(Models, AreBuiltForOtherData) {
  const std::map<std::string_view, Shape> others{{"alexnet-2012", {3, 67, 67}}, {"alexnet", {3, 63, 63}},
                                                 {"fcn-small", {3, 12, 20}},    {"conv1d-small", {2, 33}},
                                                 {"vgg19_bn", {1, 32, 40}},     {"resnet50", {3, 32, 32}}};
  for (const BuiltinNet& net : builtin_nets()) {
    const auto other = others.find(net.name);
    const Shape sample = other != others.end() ? other->second : Shape{3, 32, 32};
    const Model model = make_classifier(load_net(net.name, sample, 7));
    EXPECT_EQ(model.sample_shape(), sample) << net.name;
    EXPECT_EQ(model.classes(), 7) << net.name;
  }
}

TEST(Models, SamplesThatAreTooSmallAreRefused) {
  const std::map<std::string_view, Shape> small{{"alexnet-2012", {3, 66, 67}},  {"alexnet", {3, 62, 63}},
                                                {"alexnet-cifar", {3, 28, 32}}, {"vgg16", {3, 31, 32}},
                                                {"fcn-small", {1, 30, 32}},     {"conv1d-small", {1, 15}},
                                                {"lenet5", {1, 11, 28}},        {"convnetjs-cifar", {3, 7, 8}}};
  for (const auto& [name, sample] : small) {
    try {
      load_net(name, sample, 10);
      ADD_FAILURE() << name << " took " << sample.to_string();
    } catch (const InputError& e) {
      EXPECT_NE(std::string(e.what()).find("cannot be built for samples " + sample.to_string()), std::string::npos)
          << e.what();
    }
  }
}

// Graph::set_loss, as the notes define the three ancestors.
TEST(Models, TheAncestorsHaveTheirOwnLosses) {
  EXPECT_EQ(load_net("softmax").loss(), nullptr);
  EXPECT_EQ(load_net("svm").loss()->type(), "hinge_loss");
  EXPECT_EQ(load_net("perceptron").loss()->type(), "hinge_loss");
  const Graph adaline = load_net("adaline");
  EXPECT_EQ(adaline.loss()->type(), "mean_squared_error");
  EXPECT_EQ(adaline.loss_targets().on, 1);
  EXPECT_EQ(adaline.loss_targets().off, -1);
  const Model fcn = make_classifier(load_net("fcn-small"));
  EXPECT_EQ(fcn.graph.node(fcn.label).sample_shape, Shape({32, 32}));
}

// examples/nets is written by `fovea summary NAME --write`.
TEST(Models, TheNetFilesOfTheExamplesAreTheBuiltInNets) {
  for (const BuiltinNet& net : builtin_nets()) {
    const std::string path = FOVEA_EXAMPLE_NETS "/" + std::string(net.name) + ".toml";
    EXPECT_EQ(write_net(load_net(path)), write_net(load_net(net.name)))
        << "to renew: fovea summary " << net.name << " --write examples/nets/" << net.name << ".toml";
    std::ifstream file(path);
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), write_net(load_net(net.name))) << path;
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
            "unknown net 'lenet': expected softmax, svm, perceptron, adaline, mlp, lenet5, lenet5-1998, alexnet-2012, "
            "alexnet, alexnet-cifar, vgg11, vgg11_bn, vgg13, vgg13_bn, vgg16, vgg16_bn, vgg19, vgg19_bn, resnet18, "
            "resnet34, resnet50, resnet20, resnet32, resnet44, resnet56, convnetjs-cifar, fcn-small, conv1d-small or a "
            ".toml file (did you mean 'lenet5'?)");
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
