// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/net_and_data.h"
#include "core/backend/device_list.h"
#include "core/compare/compare.h"

namespace fovea::cli {
namespace {

struct GradcheckFlags {
  WorkloadOptions work;
  std::int64_t samples = 50;
};

int run_gradcheck(const GradcheckFlags& o, Output& out) {
  const std::unique_ptr<Backend> truth = open_device("reference");
  const Workload work = make_workload(o.work);
  out.say(fmt::format("{}, batch {} of {}, {}; central differences in float64", work.model.graph.name(), o.work.batch,
                      work.data, work.weights_from));
  const Gradcheck check = gradcheck(work.model, *truth, work.weights, work.batch, o.samples);
  std::vector<std::vector<std::string>> rows{{"tensor", "checked", "skipped", "worst index", "error/limit", "verdict"}};
  Json tensors = Json::array();
  double worst = 0;
  for (const GradcheckTensor& t : check.tensors) {
    rows.push_back({t.name, grouped(t.checked), grouped(t.skipped),
                    t.worst_index < 0 ? "-" : fmt::format("{}", t.worst_index), fmt::format("{:.3g}", t.worst_error),
                    t.ok ? "ok" : "FAIL"});
    tensors.push_back({{"tensor", t.name},
                       {"ok", t.ok},
                       {"worst_error", t.worst_error},
                       {"worst_index", t.worst_index},
                       {"checked", t.checked},
                       {"skipped", t.skipped}});
    worst = std::max(worst, t.worst_error);
  }
  for (const std::string& line : aligned(rows, 1)) out.say(line);
  out.result(
      fmt::format("{}: {} tensors, worst error/limit {:.3g}", check.ok ? "OK" : "FAIL", check.tensors.size(), worst));
  out.object(
      {{"ok", check.ok}, {"worst_error", worst}, {"net", work.model.graph.name()}, {"tensors", std::move(tensors)}});
  return check.ok ? 0 : 1;
}

}  // namespace

Run declare_gradcheck(Arguments& arguments) {
  auto o = std::make_shared<GradcheckFlags>();
  o->work.batch = 2;  // every checked element costs two passes in float64
  arguments.text("NET", o->work.net, "", net_help, Presence::required);
  arguments.integer("--batch", o->work.batch, {1}, "Images in the batch");
  arguments.integer("--samples", o->samples, {0}, "Elements of each tensor to check, spread evenly; 0: all");
  arguments.text("--data", o->work.data, "SPEC", std::string(data_help) + "; default: synthetic images");
  arguments.text("--weights", o->work.checkpoint, "CHECKPOINT", "Trained weights; default: initial ones");
  arguments.integer("--seed", o->work.seed, {0}, "Of the initial weights");
  arguments.footer(
      "Each checked number is moved up and down a little, the loss computed twice in float64, and the slope held\n"
      "against the backward pass of the reference device. Elements beside a kink (ReLU, max) are skipped and counted.\n"
      "Exit code 1 when a gradient is wrong.\n\n"
      "Examples:\n"
      "  fovea gradcheck lenet5\n"
      "  fovea gradcheck my_net.toml --samples 0");
  return [o](Output& out) { return run_gradcheck(*o, out); };
}

}  // namespace fovea::cli
