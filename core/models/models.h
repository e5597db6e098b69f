// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <span>
#include <string_view>

#include "core/graph/graph.h"

namespace fovea {

// Built-in nets: name, one line about it, and the function that builds it for a sample shape and a class count.
struct BuiltinNet {
  std::string_view name;
  std::string_view summary;
  Shape sample_shape;  // the default
  std::int64_t classes;
  Graph (*build)(Shape sample_shape, std::int64_t classes);
  std::string_view notes = {};  // departures from the publication, a line each; may be empty
};
std::span<const BuiltinNet> builtin_nets();
// Null when there is none of this name.
const BuiltinNet* find_builtin_net(std::string_view name);

// A built-in net by name, or a .toml file by path. Throws InputError with a did-you-mean.
Graph load_net(std::string_view name_or_path);
// The same for given data: a built-in net is built for their sample shape and classes, a file says its own.
Graph load_net(std::string_view name_or_path, const Shape& sample_shape, std::int64_t classes);

// The builders, one file each. They throw InputError where a sample is too small for the net.
Graph softmax_classifier(Shape sample_shape = {1, 28, 28}, std::int64_t classes = 10);
Graph svm(Shape sample_shape = {1, 28, 28}, std::int64_t classes = 10);
Graph perceptron(Shape sample_shape = {1, 28, 28}, std::int64_t classes = 10);
Graph adaline(Shape sample_shape = {1, 28, 28}, std::int64_t classes = 10);
Graph mlp(Shape sample_shape = {1, 28, 28}, std::int64_t classes = 10);
Graph lenet5(Shape sample_shape = {1, 28, 28}, std::int64_t classes = 10);
Graph lenet5_1998(Shape sample_shape = {1, 28, 28}, std::int64_t classes = 10);
Graph alexnet_2012(Shape sample_shape = {3, 227, 227}, std::int64_t classes = 1000);
Graph alexnet(Shape sample_shape = {3, 224, 224}, std::int64_t classes = 1000);
Graph alexnet_cifar(Shape sample_shape = {3, 32, 32}, std::int64_t classes = 10);
// depth 11, 13, 16 or 19.
Graph vgg(int depth, bool batch_norm, Shape sample_shape = {3, 224, 224}, std::int64_t classes = 1000);
// depth 18, 34 or 50.
Graph resnet(int depth, Shape sample_shape = {3, 224, 224}, std::int64_t classes = 1000);
// depth 6n + 2: 20, 32, 44, 56, ...
Graph resnet_cifar(int depth, Shape sample_shape = {3, 32, 32}, std::int64_t classes = 10);
Graph convnetjs_cifar(Shape sample_shape = {3, 32, 32}, std::int64_t classes = 10);
Graph fcn_small(Shape sample_shape = {1, 32, 32}, std::int64_t classes = 4);
Graph conv1d_small(Shape sample_shape = {1, 128}, std::int64_t classes = 4);

extern const std::string_view perceptron_notes, lenet5_1998_notes, alexnet_2012_notes, resnet50_notes;

}  // namespace fovea
