// SPDX-License-Identifier: Apache-2.0
#include "core/models/models.h"

#include <fmt/format.h>

#include <string>
#include <vector>

#include "core/graph/net_file.h"
#include "core/support/did_you_mean.h"
#include "core/support/error.h"

namespace fovea {
namespace {

bool is_file_name(std::string_view text) {
  const std::string_view suffix = ".toml";
  return text.find('/') != std::string_view::npos ||
         (text.size() > suffix.size() && text.substr(text.size() - suffix.size()) == suffix);
}

template <int depth, bool batch_norm>
Graph vgg_of(Shape sample_shape, std::int64_t classes) {
  return vgg(depth, batch_norm, sample_shape, classes);
}
template <int depth>
Graph resnet_of(Shape sample_shape, std::int64_t classes) {
  return resnet(depth, sample_shape, classes);
}
template <int depth>
Graph resnet_cifar_of(Shape sample_shape, std::int64_t classes) {
  return resnet_cifar(depth, sample_shape, classes);
}

Graph read_file(std::string_view path) {
  require(is_file_name(path), [&] {
    std::vector<std::string> names;
    for (const BuiltinNet& net : builtin_nets()) names.emplace_back(net.name);
    return fmt::format("unknown net '{}': expected {} or a .toml file{}", path, fmt::join(names, ", "),
                       did_you_mean(path, names));
  });
  return read_net(std::string(path));
}

}  // namespace

std::span<const BuiltinNet> builtin_nets() {
  const Shape digit{1, 28, 28}, photograph{3, 224, 224}, small_photograph{3, 32, 32};
  static const BuiltinNet nets[] = {
      {"softmax", "one dense layer: the softmax classifier", digit, 10, softmax_classifier},
      {"svm", "one dense layer under the hinge loss: the linear support vector machine", digit, 10, svm},
      {"perceptron", "Rosenblatt's perceptron: one dense layer, hinge loss without margin", digit, 10, perceptron,
       perceptron_notes},
      {"adaline", "Widrow and Hoff's ADALINE: one dense layer, least squares", digit, 10, adaline},
      {"mlp", "one hidden layer of 128 ReLU units", digit, 10, mlp},
      {"lenet5", "LeNet-5 with ReLU and max pooling", digit, 10, lenet5},
      {"lenet5-1998", "LeNet-5 with tanh and average pooling, near to the paper of 1998", digit, 10, lenet5_1998,
       lenet5_1998_notes},
      {"alexnet-2012", "AlexNet as the paper of 2012 has it", {3, 227, 227}, 1000, alexnet_2012, alexnet_2012_notes},
      {"alexnet", "AlexNet with one tower, torchvision's", photograph, 1000, alexnet},
      {"alexnet-cifar", "AlexNet's filters for 32x32 images", small_photograph, 10, alexnet_cifar},
      {"vgg11", "VGG, configuration A", photograph, 1000, vgg_of<11, false>},
      {"vgg11_bn", "VGG, configuration A, with batch normalisation", photograph, 1000, vgg_of<11, true>},
      {"vgg13", "VGG, configuration B", photograph, 1000, vgg_of<13, false>},
      {"vgg13_bn", "VGG, configuration B, with batch normalisation", photograph, 1000, vgg_of<13, true>},
      {"vgg16", "VGG, configuration D", photograph, 1000, vgg_of<16, false>},
      {"vgg16_bn", "VGG, configuration D, with batch normalisation", photograph, 1000, vgg_of<16, true>},
      {"vgg19", "VGG, configuration E", photograph, 1000, vgg_of<19, false>},
      {"vgg19_bn", "VGG, configuration E, with batch normalisation", photograph, 1000, vgg_of<19, true>},
      {"resnet18", "ResNet with 18 layers, basic blocks", photograph, 1000, resnet_of<18>},
      {"resnet34", "ResNet with 34 layers, basic blocks", photograph, 1000, resnet_of<34>},
      {"resnet50", "ResNet with 50 layers, bottlenecks", photograph, 1000, resnet_of<50>, resnet50_notes},
      {"resnet20", "ResNet with 20 layers for 32x32 images", small_photograph, 10, resnet_cifar_of<20>},
      {"resnet32", "ResNet with 32 layers for 32x32 images", small_photograph, 10, resnet_cifar_of<32>},
      {"resnet44", "ResNet with 44 layers for 32x32 images", small_photograph, 10, resnet_cifar_of<44>},
      {"resnet56", "ResNet with 56 layers for 32x32 images", small_photograph, 10, resnet_cifar_of<56>},
      {"convnetjs-cifar", "the net of the ConvNetJS demo", small_photograph, 10, convnetjs_cifar},
      {"fcn-small", "segmentation: a class for each pixel", {1, 32, 32}, 4, fcn_small},
      {"conv1d-small", "sequences: 1-D convolutions", {1, 128}, 4, conv1d_small},
  };
  return nets;
}

const BuiltinNet* find_builtin_net(std::string_view name) {
  for (const BuiltinNet& net : builtin_nets()) {
    if (net.name == name) return &net;
  }
  return nullptr;
}

Graph load_net(std::string_view name_or_path) {
  const BuiltinNet* net = find_builtin_net(name_or_path);
  return net != nullptr ? net->build(net->sample_shape, net->classes) : read_file(name_or_path);
}

Graph load_net(std::string_view name_or_path, const Shape& sample_shape, std::int64_t classes) {
  const BuiltinNet* net = find_builtin_net(name_or_path);
  if (net == nullptr) return read_file(name_or_path);
  try {
    return net->build(sample_shape, classes);
  } catch (const InputError& error) {
    throw InputError(fmt::format("net '{}' cannot be built for samples {} of {} classes: {}", net->name,
                                 sample_shape.to_string(), classes, error.what()));
  }
}

}  // namespace fovea
