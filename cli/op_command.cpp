// SPDX-License-Identifier: Apache-2.0
//
// fovea op: any one layer or loss on tensors from a file, so that anyone can hold it against another framework.
#include <fmt/core.h>

#include <limits>

#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/device_options.h"
#include "cli/op_example.h"
#include "cli/op_list.h"
#include "core/executor/layer_run.h"
#include "core/graph/json_fields.h"
#include "core/io/safetensors.h"
#include "core/support/error.h"

namespace fovea::cli {
namespace {

struct OpFlags {
  std::string name, params, in, out, example;
  std::string dtype = "f32";
  std::int64_t seed = 1, step = 0, layer = 0;
  bool backward = false, inference = false, list = false;
  DeviceOptions device;
};

Json tensor_list(const NamedTensors& tensors) {
  Json list = Json::array();
  for (const auto& [name, tensor] : tensors) {
    const auto extents = tensor.shape().extents();
    list.push_back({{"name", name},
                    {"dtype", name_of(tensor.dtype())},
                    {"shape", std::vector<std::int64_t>(extents.begin(), extents.end())}});
  }
  return list;
}

void print(const NamedTensors& tensors, const std::string& path, Output& out) {
  std::vector<std::vector<std::string>> rows{{"tensor", "dtype", "shape"}};
  for (const auto& [name, tensor] : tensors)
    rows.push_back({name, std::string(name_of(tensor.dtype())), tensor.shape().to_string()});
  for (const std::string& line : aligned(rows, 3)) out.say(line);
  out.result(fmt::format("wrote {}", path));
}

void write(const std::string& path, const NamedTensors& tensors) {
  SafetensorsFile file;
  for (const auto& entry : tensors) file.tensors.push_back(entry);
  write_safetensors(path, file, false);
}

NamedTensors read(const std::string& path) {
  NamedTensors tensors;
  for (auto& [name, tensor] : read_safetensors(path).tensors) tensors.emplace(name, std::move(tensor));
  return tensors;
}

void refuse(bool given, const char* option, const char* beside) {
  require(!given, [&] { return fmt::format("{}: not together with {}", option, beside); });
}

int run_example(const OpFlags& o, const LayerTypes& types, Output& out) {
  refuse(!o.in.empty(), "--in", "--example");
  refuse(!o.out.empty(), "--out", "--example");
  refuse(o.backward, "--backward", "--example");
  refuse(o.inference, "--inference", "--example");
  const std::shared_ptr<const Layer> layer = make_layer(types, o.name, o.params.empty() ? "{}" : o.params);
  const NamedTensors tensors =
      example_tensors(*layer, types.example(o.name).inputs, static_cast<std::uint64_t>(o.seed));
  write(o.example, tensors);
  print(tensors, o.example, out);
  out.object({{"op", o.name}, {"example", o.example}, {"tensors", tensor_list(tensors)}});
  return 0;
}

int run_op(const OpFlags& o, Output& out) {
  const LayerTypes types = all_types();
  if (o.list) {
    refuse(!o.name.empty(), "NAME", "--list");
    print_list(types, out);
    return 0;
  }
  require(!o.name.empty(), [] { return std::string("NAME is required; 'fovea op --list' lists them"); });
  if (!o.example.empty()) return run_example(o, types, out);
  const std::shared_ptr<const Layer> layer = make_layer(types, o.name, o.params.empty() ? "{}" : o.params);
  require(!o.in.empty(), [] { return std::string("--in is required"); });
  require(!o.out.empty(), [] { return std::string("--out is required"); });
  refuse(o.backward && o.inference, "--backward", "--inference");

  const std::unique_ptr<Backend> backend = open(o.device);
  const LayerRunOptions options{.backward = o.backward,
                                .phase = o.inference ? Phase::inference : Phase::training,
                                .random = {.seed = static_cast<std::uint64_t>(o.seed),
                                           .step = static_cast<std::uint32_t>(o.step),
                                           .layer = static_cast<std::uint16_t>(o.layer)},
                                .dtype = o.dtype == "f64" ? DType::f64 : DType::f32};
  const NamedTensors tensors = read(o.in);
  NamedTensors results;
  try {
    results = run_layer(*layer, *backend, tensors, options);
  } catch (const InputError& error) {
    throw InputError(fmt::format("{}: {}", o.in, error.what()));
  }
  write(o.out, results);
  print(results, o.out, out);
  out.object({{"op", o.name},
              {"device", device_of(*backend)},
              {"engine", engine_of(*backend)},
              {"phase", o.inference ? "inference" : "training"},
              {"backward", o.backward},
              {"dtype", o.dtype},
              {"seed", o.seed},
              {"executed", backend->executed()},
              {"out", o.out},
              {"tensors", tensor_list(results)}});
  return 0;
}

}  // namespace

Run declare_op(Arguments& arguments) {
  auto o = std::make_shared<OpFlags>();
  arguments.text("NAME", o->name, "", "A layer or a loss, as --list names them");
  arguments.text("--params", o->params, "JSON", "Its options as one JSON object; default: {}");
  arguments.text("--in", o->in, "FILE", "safetensors: inputs, parameters, state and \"dy\", by the names of --list");
  arguments.text("--out", o->out, "FILE", "safetensors to write: \"y\", what is saved, new state, gradients");
  arguments.flag("--backward", o->backward, "Also the gradients of inputs and parameters, \"dx\", \"dweight\", ...");
  arguments.flag("--inference", o->inference, "As in inference; default: as in training");
  arguments.choice("--dtype", o->dtype, {"f32", "f64"}, "Of floating tensors; f64 on the reference only");
  arguments.integer("--seed", o->seed, {0, std::numeric_limits<std::int64_t>::max()},
                    "Of random numbers: dropout, --example");
  arguments.integer("--step", o->step, {0, std::numeric_limits<std::uint32_t>::max()},
                    "Training step whose random numbers to draw");
  arguments.integer("--layer", o->layer, {0, std::numeric_limits<std::uint16_t>::max()},
                    "Place in a net whose random numbers to draw");
  arguments.flag("--list", o->list, "List every layer and loss with its options and tensors");
  arguments.text("--example", o->example, "FILE", "Write tensors to try it on instead of running it");
  declare(arguments, o->device);
  arguments.footer(
      "Runs one layer on tensors from a file and writes what it computes, so that it can be held against another\n"
      "framework. docs/ops.md has the formula, the tensors and an example of each.\n\n"
      "Examples:\n"
      "  fovea op --list\n"
      "  fovea op conv2d --params '{\"out_channels\": 4, \"kernel\": 3}' --example in.safetensors\n"
      "  fovea op conv2d --params '{\"out_channels\": 4, \"kernel\": 3}' --in in.safetensors --device emu:native \\\n"
      "      --out out.safetensors --backward");
  return [o](Output& out) { return run_op(*o, out); };
}

}  // namespace fovea::cli
