// SPDX-License-Identifier: Apache-2.0
#include "core/train/replay.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "core/io/safetensors.h"
#include "core/support/error.h"

namespace fovea {
namespace {

constexpr const char *replay_format = "fovea replay", *images_name = "batch/images", *labels_name = "batch/labels";

}  // namespace

void write_replay(const std::string& path, const Replay& replay) {
  SafetensorsFile file;
  file.metadata = {{"format", replay_format},
                   {"format_version", "1"},
                   {"net", replay.net},
                   {"data", replay.data},
                   {"inject", replay.inject},
                   {"step", nlohmann::json{{"seed", replay.seed},
                                           {"step", replay.step},
                                           {"random_step", replay.random_step},
                                           {"precision", name_of(replay.precision)},
                                           {"layouts", replay.layouts},
                                           {"loss_scale", replay.loss_scale},
                                           {"samples", replay.samples}}
                                .dump()}};
  file.tensors = replay.weights;
  file.tensors.emplace_back(images_name, replay.batch.images);
  file.tensors.emplace_back(labels_name, replay.batch.labels);
  write_safetensors(path, file, true);
}

Replay read_replay(const std::string& path) {
  SafetensorsFile file = read_checked_safetensors(path);
  const auto fail = [&](const std::string& key, const std::string& what) {
    throw InputError(fmt::format("{}: replay field '{}': {}", path, key, what));
  };
  const auto text = [&](const std::string& key) {
    if (file.metadata.count(key) == 0) fail(key, "it is missing");
    return file.metadata[key];
  };
  if (text("format") != replay_format) fail("format", fmt::format("this is no {}", replay_format));
  if (text("format_version") != "1") fail("format_version", "expected 1, got " + text("format_version"));
  Replay replay{.net = text("net"), .data = text("data"), .inject = text("inject")};
  try {
    const nlohmann::json step = nlohmann::json::parse(text("step"));
    step.at("seed").get_to(replay.seed);
    step.at("step").get_to(replay.step);
    step.at("random_step").get_to(replay.random_step);
    step.at("samples").get_to(replay.samples);
    step.at("loss_scale").get_to(replay.loss_scale);
    replay.precision = precision_named(step.at("precision").get<std::string>());
    replay.layouts = step.value("layouts", true);  // files of before lack it
  } catch (const nlohmann::json::exception&) {
    fail(
        "step",
        "expected the numbers seed, step, random_step, samples and loss_scale, a precision, and layouts true or false");
  } catch (const InputError& error) {
    fail("step", error.what());
  }
  replay.batch = {file.at(images_name), file.at(labels_name)};
  const std::size_t samples = replay.samples.size();
  const auto has_samples = [&](const Tensor& tensor) {
    return tensor.shape().rank() > 0 && tensor.shape()[0] == static_cast<std::int64_t>(samples);
  };
  if (samples == 0 || !has_samples(replay.batch.images) || !has_samples(replay.batch.labels))
    fail("step", fmt::format("{} samples do not fit the batch", samples));
  for (auto& [name, tensor] : file.tensors)
    if (name != images_name && name != labels_name) replay.weights.emplace_back(name, std::move(tensor));
  return replay;
}

}  // namespace fovea
