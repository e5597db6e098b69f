// SPDX-License-Identifier: Apache-2.0
//
// What several commands do with nets, data and checkpoints.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "core/data/dataset.h"
#include "core/graph/graph.h"
#include "core/train/checkpoint.h"

namespace fovea::cli {

inline constexpr const char* net_help = "A built-in net (lenet5, resnet20, vgg16, ...: docs/cli.md) or a .toml file";
inline constexpr const char* data_help =
    "digits (built in), mnist:DIR (IDX files, plain or .gz), cifar10:DIR, cifar100:DIR (binary versions), "
    "folder:DIR@SIZE "
    "(a directory for each class), list:FILE@SIZE (CSV), npy:X,Y, synthetic:CxHxW:CLASSES, shapes:HxW (segmentation), "
    "waves:L:CLASSES (sequences); docs/data.md";

// Throws InputError unless the net takes the data's images, knows its classes and scores what has labels.
void require_fit(const Model& model, const Dataset& data, const std::string& spec);

// A net may have more outputs than its data had classes: those are called by their number.
std::string class_name(const Checkpoint& checkpoint, std::int64_t index);

// The checkpoint's own net. `path` is for messages.
Model model_of(const Checkpoint& checkpoint, const std::string& path);

// A net with weights and a batch of images to run it on, for compare and gradcheck.
struct Workload {
  Model model;
  std::vector<Tensor> weights;  // host tensors, in the order of ParameterLayout
  Batch batch;
  std::string data, weights_from;  // for people
};
struct WorkloadOptions {
  std::string net;
  std::string data;        // empty: synthetic images of the net's own shape and classes
  std::string checkpoint;  // empty: initial weights from `seed`
  std::int64_t batch = 4, seed = 1;
};
Workload make_workload(const WorkloadOptions& options);

}  // namespace fovea::cli
