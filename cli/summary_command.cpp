// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/device_options.h"
#include "cli/engine_options.h"
#include "cli/memory_options.h"
#include "cli/net_and_data.h"
#include "cli/net_step.h"
#include "cli/plan_passes.h"
#include "cli/summary_plan.h"
#include "core/executor/summary.h"
#include "core/graph/net_file.h"
#include "core/io/file.h"
#include "core/models/models.h"
#include "core/support/error.h"

namespace fovea::cli {
namespace {

struct SummaryFlags {
  std::string net, write;
  std::int64_t batch = 64;
  std::string precision = "fp32";
  bool memory = false;
  PlanSummaryOptions plan;
  PassFlags passes;
  DeviceOptions device{.device = "reference"};
  EngineFlags engines;
};

std::string field_text(const ReceptiveField& field) {
  return field.whole_input ? "whole image" : fmt::format("{}x{}", field.h, field.w);
}

Json layer_json(const LayerSummary& layer) {
  const auto extents = layer.output.extents();
  return {{"name", layer.name},
          {"type", layer.type},
          {"inputs", layer.inputs},
          {"output_shape", std::vector<std::int64_t>(extents.begin(), extents.end())},
          {"parameters", layer.parameters},
          {"macs", layer.macs},
          {"receptive_field", {layer.receptive_field.h, layer.receptive_field.w}},
          {"whole_input", layer.receptive_field.whole_input},
          {"activation_bytes", layer.activation_bytes}};
}

// Of training with the default optimizer; as text now, and as JSON.
Json print_memory(const Model& model, Backend& backend, std::int64_t batch, Precision precision, PlanPasses passes,
                  Output& out) {
  TrainOptions options{.batch = batch};
  options.precision = precision;
  options.passes = passes;
  const TrainingMemory memory =
      plan_memory(model, backend, options, {.training = batch, .evaluated = {}, .keeps_best = false});
  for (const std::string& line : memory_table(model, memory)) out.result(line);
  const std::size_t free = backend.memory()->free_bytes();
  out.result(fmt::format("free on {}: {}", backend.name(), bytes_text(free)));
  Json layers = Json::array(), parts = Json::object();
  for (std::size_t i = 0; i < memory.layers.size(); ++i) {
    const LayerMemory& layer = memory.layers[i];
    layers.push_back({{"name", model.graph.nodes()[i].name},
                      {"parameter_bytes", layer.parameters},
                      {"activation_bytes", layer.activations},
                      {"gradient_bytes", layer.gradients},
                      {"workspace_bytes", layer.workspace}});
  }
  for (const auto& [name, bytes] : memory.parts) parts[name] = bytes;
  return {{"layers", std::move(layers)}, {"parts", std::move(parts)}, {"total", memory.total()}, {"free", free}};
}

void print(const NetSummary& s, const std::string& device, Output& out) {
  out.result(fmt::format("{}: images {}, batch {}", s.name, s.sample_shape.to_string(), s.batch));
  std::vector<std::vector<std::string>> rows{
      {"layer", "type", "output", "parameters", "MACs/image", "sees", "activations"}};
  for (const LayerSummary& layer : s.layers) {
    rows.push_back({layer.name, layer.type, layer.output.to_string(), grouped(layer.parameters), grouped(layer.macs),
                    field_text(layer.receptive_field), bytes_text(layer.activation_bytes)});
  }
  rows.push_back({"total", "", "", grouped(s.parameters), grouped(s.macs), "", bytes_text(s.activation_bytes)});
  for (const std::string& line : aligned(rows, 3)) out.result(line);
  out.result(fmt::format("planned memory on {}: training {}, inference {}", device, bytes_text(s.training_bytes),
                         bytes_text(s.inference_bytes)));
  if (const BuiltinNet* net = find_builtin_net(s.name); net != nullptr && !net->notes.empty()) {
    out.say("Departures from the publication:");
    for (std::string_view rest = net->notes; !rest.empty();) {
      const std::size_t end = std::min(rest.find('\n'), rest.size());
      out.say(fmt::format("  - {}", rest.substr(0, end)));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
}

int run_summary(const SummaryFlags& options, Output& out) {
  require_plan(options.plan);
  const Graph graph = load_net(options.net);
  const Model model = make_classifier(graph);
  if (!options.write.empty()) {
    require(options.write.ends_with(".toml"),
            [&] { return fmt::format("--write: expected a file name that ends in .toml, got '{}'", options.write); });
    write_file_atomically(options.write, write_net(graph));
    out.say(fmt::format("written: {}", options.write));
  }
  const Precision precision = precision_named(options.precision);
  const bool of_plans = options.memory || options.plan.plan;
  const auto demand = [&](bool given, const char* option) {
    require(of_plans || !given, [&] { return fmt::format("{}: expected --memory or --plan beside it", option); });
  };
  demand(precision != Precision::fp32, "--precision");
  demand(options.passes.no_layouts, "--no-layouts");
  demand(options.passes.no_fuse, "--no-fuse");
  demand(options.passes.no_copies, "--no-copies");
  const PlanPasses passes = passes_of(options.passes, precision);
  const std::unique_ptr<Backend> backend =
      options.plan.plan ? open_dry(options.device, precision) : open(options.device, precision);
  // Nothing is run here: what auto would choose is known where it was measured before.
  const std::string mode = options.plan.mode.empty() ? "train" : options.plan.mode;
  const Phase phase = mode == "train" ? Phase::training : Phase::inference;
  const PlanOptions planned = plan_options(model, phase, options.batch, storage_of(precision), passes);
  const Json engines = choose_engines(model.graph, *backend, {planned}, options.engines, out, true);
  const NetSummary s = summarise(model, *backend, options.batch, precision, passes);
  Json plan;
  if (options.plan.plan) {
    plan = print_plan(model, *backend, options.batch, precision, passes, options.plan, out);
  } else {
    print(s, backend->name(), out);
  }
  Json memory;
  if (options.memory) memory = print_memory(model, *backend, options.batch, precision, passes, out);
  Json layers = Json::array();
  for (const LayerSummary& layer : s.layers) layers.push_back(layer_json(layer));
  const auto extents = s.sample_shape.extents();
  const auto of_plan = [&](const char* key) { return plan.is_null() ? Json() : plan[key]; };
  Json object{{"net", s.name},
              {"written", options.write.empty() ? Json() : Json(options.write)},
              {"input_shape", std::vector<std::int64_t>(extents.begin(), extents.end())},
              {"batch", s.batch},
              {"device", device_of(*backend)},
              {"layers", std::move(layers)},
              {"parameters", s.parameters},
              {"macs", s.macs},
              {"activation_bytes", s.activation_bytes},
              {"planned_bytes", s.training_bytes},
              {"planned_inference_bytes", s.inference_bytes},
              {"memory", std::move(memory)},
              {"mode", of_plan("mode")},
              {"precision", of_plans ? Json(options.precision) : Json()},
              {"passes", of_plans ? passes_json(passes) : Json()},
              {"steps", of_plan("steps")},
              {"layout_conversions", of_plan("layout_conversions")},
              {"launches", of_plan("launches")}};
  if (!engines.is_null()) object["engines"] = engines;
  out.object(object);
  return 0;
}

}  // namespace

Run declare_summary(Arguments& arguments) {
  auto options = std::make_shared<SummaryFlags>();
  arguments.text("NET", options->net, "", net_help, Presence::required);
  arguments.integer("--batch", options->batch, {1}, "Images per step, for shapes and memory");
  arguments.flag("--memory", options->memory, "Also what training takes of the device's memory, layer by layer");
  declare_precision(arguments, options->precision, all_precisions(), "With --memory or --plan: what is computed with");
  arguments.text("--write", options->write, "FILE.toml",
                 "Also write the net as a net file, a start for one of your own");
  declare(arguments, options->plan);
  declare(arguments, options->passes);
  declare_no_copies(arguments, options->passes);
  declare(arguments, options->device);
  declare(arguments, options->engines);
  arguments.footer(
      "Columns: the output's shape; trainable numbers; multiply-accumulates of one image's forward pass; the input\n"
      "positions that can influence one output element (walk back through the windows and count); the output's bytes.\n"
      "Planned memory is known before anything is allocated: weights, gradients, momenta, activations, workspace.\n"
      "--plan runs nothing: launches are what the device would count, bytes what each step reads and writes, FLOP two\n"
      "for each multiply-accumulate, the roofline the longer of FLOP and bytes at the ceilings that are known.\n\n"
      "Examples:\n"
      "  fovea summary lenet5\n"
      "  fovea summary resnet50 --memory --batch 256 --device auto\n"
      "  fovea summary lenet5-1998 --batch 1        and how it departs from the paper\n"
      "  fovea summary alexnet --plan --device emu --precision bf16 --hardware h200     no GPU needed\n"
      "  fovea summary resnet20 --write my_net.toml\n"
      "  fovea summary my_net.toml --json");
  return [options](Output& out) { return run_summary(*options, out); };
}

}  // namespace fovea::cli
