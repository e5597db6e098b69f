// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "cli/commands.h"
#include "cli/device_options.h"
#include "cli/engine_options.h"
#include "cli/net_and_data.h"
#include "core/data/memory_dataset.h"
#include "core/executor/executor.h"
#include "core/io/image.h"
#include "core/support/error.h"

namespace fovea::cli {
namespace {

struct PredictFlags {
  std::string checkpoint;
  std::vector<std::string> images;
  std::string fit = "crop";
  std::int64_t top = 3;
  DeviceOptions device;
  EngineFlags engines;
};

std::vector<double> softmax(std::span<const float> scores) {
  const double most = *std::max_element(scores.begin(), scores.end());
  std::vector<double> p(scores.size());
  std::transform(scores.begin(), scores.end(), p.begin(), [&](float s) { return std::exp(s - most); });
  const double sum = std::accumulate(p.begin(), p.end(), 0.0);
  for (double& v : p) v /= sum;
  return p;
}

int run_predict(const PredictFlags& options, Output& out) {
  const Checkpoint checkpoint = read_checkpoint(options.checkpoint);
  const Model model = model_of(checkpoint, options.checkpoint);
  require(model.sample_shape().rank() == 3 && model.graph.node(model.label).sample_shape.rank() == 0, [&] {
    return fmt::format("{}: net '{}' does not classify images: it reads samples {} and has labels {}",
                       options.checkpoint, model.graph.name(), model.sample_shape().to_string(),
                       model.graph.node(model.label).sample_shape.to_string());
  });
  // Every image is read before anything is computed: a bad one ends the command without half an answer.
  const ImageFit fit = options.fit == "crop" ? ImageFit::crop : ImageFit::stretch;
  std::vector<std::uint8_t> pixels;
  for (const std::string& path : options.images) {
    const Tensor image = fit_image(read_image(path), model.sample_shape(), fit);
    const auto bytes = image.span<std::uint8_t>();
    pixels.insert(pixels.end(), bytes.begin(), bytes.end());
  }
  const MemoryDataset data(model.sample_shape(), numbered_classes(model.classes()), std::move(pixels),
                           std::vector<std::int32_t>(options.images.size(), 0));
  const std::unique_ptr<Backend> backend = open(options.device);
  const auto weights = std::make_shared<ParameterArena>(ParameterLayout::of(model.graph), backend->memory());
  load_evaluation_weights(checkpoint, options.checkpoint, *weights);
  const PlanOptions plan{.batch = 1, .target = model.logits};
  const Json engines =
      engines_of_checkpoint(checkpoint, options.checkpoint, model.graph, *backend, {plan}, options.engines, out);
  Executor executor(model.graph, *backend, weights, plan);

  Json predictions = Json::array();
  for (std::size_t i = 0; i < options.images.size(); ++i) {
    const std::int64_t index = static_cast<std::int64_t>(i);
    executor.set_input(model.image, make_batch(data, std::span(&index, 1), checkpoint.normalization).images);
    executor.forward();
    const Tensor logits = executor.read(model.logits);
    const std::vector<double> p = softmax(logits.span<float>());
    std::vector<std::size_t> order(p.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return p[a] > p[b]; });
    order.resize(std::min(order.size(), static_cast<std::size_t>(options.top)));

    std::string line = options.images[i] + ":";
    Json classes = Json::array();
    for (const std::size_t k : order) {
      line += fmt::format("  {} {}", class_name(checkpoint, k), percent(p[k]));
      classes.push_back({{"class", class_name(checkpoint, k)}, {"index", k}, {"probability", p[k]}});
    }
    out.result(line);
    predictions.push_back({{"image", options.images[i]}, {"classes", std::move(classes)}});
  }
  Json object{{"predictions", std::move(predictions)},
              {"net", model.graph.name()},
              {"device", device_of(*backend)},
              {"engine", engine_of(*backend)}};
  if (!engines.is_null()) object["engines"] = engines;
  out.object(object);
  return 0;
}

}  // namespace

Run declare_predict(Arguments& arguments) {
  auto options = std::make_shared<PredictFlags>();
  arguments.text("CHECKPOINT", options->checkpoint, "", "A last.safetensors that 'fovea train' left",
                 Presence::required);
  arguments.texts("IMAGE", options->images, "JPEG, PNG or PGM files; resized, and made grey or RGB, as the net needs");
  arguments.integer("--top", options->top, {1}, "How many classes to print for each image, most probable first");
  arguments.choice("--fit", options->fit, {"crop", "stretch"},
                   "Images of other proportions: cut off what is too long, as the data folder: does, or distort");
  declare(arguments, options->device);
  declare(arguments, options->engines);
  arguments.footer(
      "The digits of MNIST and of the built-in data are white on black.\n\n"
      "Examples:\n"
      "  fovea predict runs/lenet5-1/last.safetensors seven.png\n"
      "  fovea predict runs/lenet5-1/last.safetensors *.pgm --top 1 --json");
  return [options](Output& out) { return run_predict(*options, out); };
}

}  // namespace fovea::cli
