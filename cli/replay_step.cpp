// SPDX-License-Identifier: Apache-2.0
#include "cli/replay_step.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>

#include "core/support/error.h"
#include "core/train/training_model.h"

namespace fovea::cli {
namespace {

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

}  // namespace

std::optional<NonFinite> repeat_step(const Replay& replay, const std::string& path, const Model& net,
                                     Backend& backend) {
  const Model model = model_for(net, replay.batch);
  NetRun run(model, backend, weights_of(replay, model, path), replay.batch, storage_of(replay.precision), false,
             replay.layouts);
  run.executor().set_loss_scale(replay.loss_scale);
  run.executor().set_random(replay.seed, replay.random_step);
  if (!replay.inject.empty()) run.executor().inject(model.graph.find(replay.inject));
  std::optional<NonFinite> found = find_non_finite(model, run);
  if (found)
    for (std::int64_t& sample : found->samples) sample = replay.samples[static_cast<std::size_t>(sample)];
  return found;
}

std::string describe(const NonFinite& found) {
  constexpr std::size_t shown = 8;
  std::string text = found.to_string();
  const std::size_t samples = found.samples.size();
  if (samples > 0) text += samples == 1 ? "; sample " : "; samples ";
  for (std::size_t i = 0; i < std::min(samples, shown); ++i)
    text += fmt::format("{}{}", i ? ", " : "", found.samples[i]);
  if (samples > shown) text += fmt::format(" and {} more", samples - shown);
  return text;
}

}  // namespace fovea::cli
