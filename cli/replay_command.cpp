// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/device_options.h"
#include "cli/replay_step.h"
#include "core/graph/net_file.h"

namespace fovea::cli {
namespace {

struct ReplayFlags {
  std::string file;
  DeviceOptions device;
};

int run_replay(const ReplayFlags& options, Output& out) {
  const Replay replay = read_replay(options.file);
  const Model model = make_classifier(parse_net(replay.net, options.file + " (its net)"));
  const std::unique_ptr<Backend> backend = open(options.device);
  out.say(fmt::format("{}: step {} of {} on {}: {} images of {}", options.file, replay.step + 1, model.graph.name(),
                      backend->name(), replay.samples.size(), replay.data));
  const std::optional<NonFinite> found = repeat_step(replay, options.file, model, *backend);
  Json object{{"net", model.graph.name()}, {"step", replay.step + 1}, {"finite", !found}};
  if (found) {
    out.result(describe(*found));
    object["layer"] = found->layer;
    object["tensor"] = found->tensor;
    object["values"] = found->values;
    object["samples"] = found->samples;
  } else {
    out.result("every value is finite");
  }
  out.object(object);
  return found ? 1 : 0;
}

}  // namespace

Run declare_replay(Arguments& arguments) {
  auto options = std::make_shared<ReplayFlags>();
  arguments.text("FILE", options->file, "", "A replay.safetensors that a training left when it met NaN or infinity",
                 Presence::required);
  declare(arguments, options->device);
  arguments.footer(
      "Runs that one training step again, every buffer kept, and names the first layer and tensor that is not finite\n"
      "and the training images that it concerns. Exit code 1 when there is one, 0 when everything is finite.\n\n"
      "Examples:\n"
      "  fovea replay runs/lenet5-1/replay.safetensors\n"
      "  fovea replay runs/lenet5-1/replay.safetensors --device reference --json");
  return [options](Output& out) { return run_replay(*options, out); };
}

}  // namespace fovea::cli
