// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <map>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/device_options.h"
#include "core/compare/non_finite.h"
#include "core/graph/net_file.h"
#include "core/support/error.h"
#include "core/train/replay.h"

namespace fovea::cli {
namespace {

struct Options {
  std::string file;
  DeviceOptions device;
};

// In the order of ParameterLayout.
std::vector<Tensor> weights_of(const Replay& replay, const Model& model, const std::string& path) {
  const std::map<std::string, Tensor> saved(replay.weights.begin(), replay.weights.end());
  std::vector<Tensor> weights;
  for (const ParameterLayout::Entry& entry : ParameterLayout::of(model.graph).entries) {
    const auto found = saved.find(entry.name);
    require(found != saved.end() && found->second.shape() == entry.spec.shape,
            [&] { return fmt::format("{}: expected a tensor {} {}", path, entry.name, entry.spec.shape.to_string()); });
    weights.push_back(found->second);
  }
  return weights;
}

int run(const Options& options, Output& out) {
  const Replay replay = read_replay(options.file);
  const Model model = make_classifier(parse_net(replay.net, options.file + " (its net)"));
  const std::vector<Tensor> weights = weights_of(replay, model, options.file);
  const std::unique_ptr<Backend> backend = open(options.device);
  NetRun step(model, *backend, weights, replay.batch, DType::f32);
  step.executor().set_random(replay.seed, replay.random_step);
  if (!replay.inject.empty()) step.executor().inject(model.graph.find(replay.inject));
  out.say(fmt::format("{}: step {} of {} on {}: {} images of {}", options.file, replay.step + 1, model.graph.name(),
                      backend->name(), replay.samples.size(), replay.data));
  const std::optional<NonFinite> found = find_non_finite(model, step);
  Json object{{"net", model.graph.name()}, {"step", replay.step + 1}, {"finite", !found}};
  if (found) {
    std::vector<std::int64_t> samples;
    for (const std::int64_t place : found->samples) samples.push_back(replay.samples[static_cast<std::size_t>(place)]);
    out.result(found->to_string() + samples_text(samples));
    object["layer"] = found->layer;
    object["tensor"] = found->tensor;
    object["values"] = found->values;
    object["samples"] = samples;
  } else {
    out.result("every value is finite");
  }
  out.object(object);
  return found ? 1 : 0;
}

}  // namespace

std::string samples_text(const std::vector<std::int64_t>& samples) {
  if (samples.empty()) return "";
  constexpr std::size_t shown = 8;
  std::string text = samples.size() == 1 ? "; sample " : "; samples ";
  for (std::size_t i = 0; i < std::min(samples.size(), shown); ++i)
    text += fmt::format("{}{}", i ? ", " : "", samples[i]);
  if (samples.size() > shown) text += fmt::format(" and {} more", samples.size() - shown);
  return text;
}

Run declare_replay(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.text("FILE", options->file, "", "A replay.safetensors that a training left when it met NaN or infinity",
                 Presence::required);
  declare(arguments, options->device);
  arguments.footer(
      "Runs that one training step again, every buffer kept, and names the first layer and tensor that is not finite\n"
      "and the training images that it concerns. Exit code 1 when there is one, 0 when everything is finite.\n\n"
      "Examples:\n"
      "  fovea replay runs/lenet5-1/replay.safetensors\n"
      "  fovea replay runs/lenet5-1/replay.safetensors --device reference --json");
  return [options](Output& out) { return run(*options, out); };
}

}  // namespace fovea::cli
