// SPDX-License-Identifier: Apache-2.0
#include "cli/net_and_data.h"

#include <fmt/core.h>

#include <numeric>

#include "core/executor/parameters.h"
#include "core/graph/net_file.h"
#include "core/models/models.h"
#include "core/support/error.h"

namespace fovea::cli {
namespace {

// Made-up data of the net's own shapes.
std::string synthetic_spec(const Model& model) {
  const Shape s = model.sample_shape(), labels = model.graph.node(model.label).sample_shape;
  const std::int64_t classes = model.classes();
  if (s.rank() == 3 && labels.rank() == 0) return fmt::format("synthetic:{}x{}x{}:{}", s[0], s[1], s[2], classes);
  if (s.rank() == 3 && s[0] == 1 && labels == Shape{s[1], s[2]}) return fmt::format("shapes:{}x{}", s[1], s[2]);
  if (s.rank() == 2 && s[0] == 1 && labels.rank() == 0) return fmt::format("waves:{}:{}", s[1], classes);
  throw InputError(
      fmt::format("net '{}': can make up images [channels, height, width], masks of grey images and sequences [1, "
                  "length], but this net reads samples {} and labels {}; give --data",
                  model.graph.name(), s.to_string(), labels.to_string()));
}

// The net as `options` ask for: a built-in one follows the checkpoint's or the data's shape.
Model load_model(const WorkloadOptions& options, const std::optional<Checkpoint>& checkpoint, const DataSplits& data) {
  if (checkpoint) {
    const auto classes = static_cast<std::int64_t>(checkpoint->class_names.size());
    return make_classifier(load_net(options.net, checkpoint->sample_shape, classes));
  }
  if (data.test) return make_classifier(load_net(options.net, data.test->sample_shape(), data.test->classes()));
  return make_classifier(load_net(options.net));
}

}  // namespace

void require_fit(const Model& model, const Dataset& data, const std::string& spec) {
  require(model.sample_shape() == data.sample_shape() && data.classes() <= model.classes(), [&] {
    return fmt::format(
        "net '{}' and data '{}' do not fit: the net takes images {} and tells {} classes apart, the "
        "data have images {} of {} classes",
        model.graph.name(), spec, model.sample_shape().to_string(), model.classes(), data.sample_shape().to_string(),
        data.classes());
  });
  const Shape& labels = model.graph.node(model.label).sample_shape;
  require(labels == data.label_shape(), [&] {
    return fmt::format("net '{}' and data '{}' do not fit: the net wants labels {} for each sample, the data have {}",
                       model.graph.name(), spec, labels.to_string(), data.label_shape().to_string());
  });
}

std::string class_name(const Checkpoint& checkpoint, std::int64_t index) {
  const auto i = static_cast<std::size_t>(index);
  return i < checkpoint.class_names.size() ? checkpoint.class_names[i] : fmt::format("{}", index);
}

Model model_of(const Checkpoint& checkpoint, const std::string& path) {
  return make_classifier(parse_net(checkpoint.net, path + " (its net)"));
}

Workload make_workload(const WorkloadOptions& options) {
  Workload work;
  std::optional<Checkpoint> checkpoint;
  if (!options.checkpoint.empty()) checkpoint = read_checkpoint(options.checkpoint);
  work.data = options.data;
  DataSplits splits;
  if (!work.data.empty()) splits = open_data(work.data);
  work.model = load_model(options, checkpoint, splits);
  if (work.data.empty()) {
    work.data = synthetic_spec(work.model);
    splits = open_data(work.data);
  }
  const Dataset& data = *splits.test;
  require_fit(work.model, data, work.data);
  require(options.batch <= data.size(), [&] {
    return fmt::format("--batch: expected at most {} (the images of '{}'), got {}", data.size(), work.data,
                       options.batch);
  });

  ParameterArena arena(ParameterLayout::of(work.model.graph), host_memory());
  if (checkpoint) {
    load_weights(*checkpoint, options.checkpoint, arena);
    work.weights_from = options.checkpoint;
  } else {
    initialise(arena, static_cast<std::uint64_t>(options.seed));
    work.weights_from = fmt::format("initial weights, seed {}", options.seed);
  }
  for (std::size_t i = 0; i < arena.layout().entries.size(); ++i) work.weights.push_back(arena.get(i));

  std::vector<std::int64_t> indices(static_cast<std::size_t>(options.batch));
  std::iota(indices.begin(), indices.end(), 0);
  work.batch = make_batch(data, indices, checkpoint ? checkpoint->normalization : measure_normalization(data));
  return work;
}

}  // namespace fovea::cli
