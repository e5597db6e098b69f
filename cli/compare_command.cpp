// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/device_options.h"
#include "cli/net_and_data.h"
#include "cli/plan_passes.h"
#include "core/backend/device_list.h"
#include "core/compare/compare.h"
#include "core/support/error.h"

namespace fovea::cli {
namespace {

struct CompareFlags {
  WorkloadOptions work;
  std::string devices, mode = "isolated", precision = "fp32", inject;
  bool no_layouts = false;
};

std::pair<std::string, std::string> two_devices(const std::string& text) {
  const std::size_t comma = text.find(',');
  const bool two = comma != std::string::npos && comma > 0 && comma + 1 < text.size() &&
                   text.find(',', comma + 1) == std::string::npos;
  require(two, [&] { return fmt::format("--devices: expected two, as in 'reference,emu', got '{}'", text); });
  return {text.substr(0, comma), text.substr(comma + 1)};
}

Json tensor_json(const TensorComparison& t) {
  return {{"tensor", t.tensor},   {"direction", t.direction},    {"shape", shape_json(t.shape)},
          {"max_abs", t.max_abs}, {"max_rel", t.max_rel},        {"worst_index", t.worst_index},
          {"ok", t.ok},           {"worst_ratio", t.worst_ratio}};
}

// One entry per layer, in the order of the forward pass.
Json layers_json(const Comparison& comparison) {
  Json layers = Json::array();
  std::vector<std::string> names;
  for (const TensorComparison& t : comparison.tensors) {
    std::size_t i = 0;
    while (i < names.size() && names[i] != t.layer) ++i;
    if (i == names.size()) {
      names.push_back(t.layer);
      layers.push_back({{"layer", t.layer}, {"ok", true}, {"worst_ratio", 0.0}, {"tensors", Json::array()}});
    }
    Json& layer = layers[i];
    layer["ok"] = layer["ok"].get<bool>() && t.ok;
    layer["worst_ratio"] = std::max(layer["worst_ratio"].get<double>(), t.worst_ratio);
    layer["tensors"].push_back(tensor_json(t));
  }
  return layers;
}

void print(const Comparison& c, Output& out) {
  std::vector<std::vector<std::string>> rows{
      {"layer", "tensor", "direction", "max abs", "max rel", "worst index", "error/bound", "verdict"}};
  for (const TensorComparison& t : c.tensors) {
    rows.push_back({t.layer, t.tensor, t.direction, fmt::format("{:.2e}", t.max_abs), fmt::format("{:.2e}", t.max_rel),
                    t.worst_index < 0 ? "-" : fmt::format("{}", t.worst_index), fmt::format("{:.3f}", t.worst_ratio),
                    t.ok ? "ok" : "FAIL"});
  }
  for (const std::string& line : aligned(rows, 3)) out.say(line);
  if (c.mode == CompareMode::chained) {
    out.say(fmt::format("undecided: {} of {} ReLU and arg max decisions lie within their tolerance",
                        grouped(c.undecided), grouped(c.decisions)));
  }
  out.say(fmt::format("operations that ran: {} on {}, {} on {}", grouped(static_cast<std::int64_t>(c.executed_a)),
                      c.device_a, grouped(static_cast<std::int64_t>(c.executed_b)), c.device_b));
  if (c.ok) {
    out.result(fmt::format("OK: {} and {} agree, worst error/bound {:.3f}", c.device_a, c.device_b, c.worst_ratio));
  } else if (!c.first_divergent.empty()) {
    out.result(fmt::format("FAIL: {} and {} differ first in layer '{}', worst error/bound {:.3g}", c.device_a,
                           c.device_b, c.first_divergent, c.worst_ratio));
  } else {
    out.result(fmt::format("FAIL: {} of {} decisions are undecided, which is too many to prove anything", c.undecided,
                           c.decisions));
  }
}

int run_compare(const CompareFlags& o, Output& out) {
  const auto [name_a, name_b] = two_devices(o.devices);
  const std::unique_ptr<Backend> a = open_device(name_a), b = open_device(name_b), truth = open_device("reference");
  const Workload work = make_workload(o.work);
  CompareOptions options;
  options.mode = o.mode == "chained" ? CompareMode::chained : CompareMode::isolated;
  options.inject = o.inject;
  options.dtype = storage_of(precision_named(o.precision));
  options.layouts = !o.no_layouts;
  const Comparison c = compare(work.model, *a, *b, *truth, work.weights, work.batch, options);
  out.say(fmt::format("{}, batch {} of {}, {}; {} against {}, {}, {}{}", work.model.graph.name(), o.work.batch,
                      work.data, work.weights_from, a->name(), b->name(), o.mode, o.precision,
                      options.layouts ? "" : ", without layouts"));
  print(c, out);
  out.object({{"ok", c.ok},
              {"worst_ratio", c.worst_ratio},
              {"first_divergent", c.ok ? Json() : Json(c.first_divergent)},
              {"net", work.model.graph.name()},
              {"devices", {c.device_a, c.device_b}},
              {"mode", o.mode},
              {"precision", o.precision},
              {"layouts", options.layouts},
              {"undecided", c.undecided},
              {"decisions", c.decisions},
              {"executed", {c.executed_a, c.executed_b}},
              {"layers", layers_json(c)}});
  return c.ok ? 0 : 1;
}

}  // namespace

Run declare_compare(Arguments& arguments) {
  auto o = std::make_shared<CompareFlags>();
  arguments.text("NET", o->work.net, "", net_help, Presence::required);
  arguments.text("--devices", o->devices, "A[:engine],B[:engine]", "The two devices", Presence::required);
  arguments.integer("--batch", o->work.batch, {1}, "Images in the batch");
  arguments.text("--data", o->work.data, "SPEC",
                 std::string(data_help) + "; its first test images; default: synthetic images that fit the net");
  arguments.text("--weights", o->work.checkpoint, "CHECKPOINT", "Trained weights; default: initial ones");
  arguments.integer("--seed", o->work.seed, {0}, "Of the initial weights");
  arguments.choice("--mode", o->mode, {"isolated", "chained"},
                   "isolated: each layer gets the first device's inputs; chained: each device runs the whole net");
  declare_precision(arguments, o->precision, {Precision::fp32, Precision::bf16, Precision::fp16},
                    "How values are stored; sums, parameters and their gradients stay float32. 16 bits: isolated only");
  declare_no_layouts(arguments, o->no_layouts);
  arguments.text("--inject", o->inject, "LAYER",
                 "Perturb one element of this layer on the second device: the verdict must turn red");
  arguments.footer(
      "Every output and gradient of every layer is held against a float64 computation and the bound derived for that\n"
      "layer: error/bound must stay at or below 1. Exit code 1 when a tensor fails.\n\n"
      "Examples:\n"
      "  fovea compare lenet5 --devices reference,emu\n"
      "  fovea compare lenet5 --devices reference,emu --mode chained --data digits --weights "
      "runs/lenet5-1/last.safetensors\n"
      "  fovea compare lenet5 --devices emu:native,emu:direct --inject conv2; echo $?     prints 1");
  return [o](Output& out) { return run_compare(*o, out); };
}

}  // namespace fovea::cli
