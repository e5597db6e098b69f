// SPDX-License-Identifier: Apache-2.0
#include "cli/summary_plan.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "cli/net_step.h"
#include "cli/plan_passes.h"
#include "cli/step_rows.h"
#include "core/executor/plan_launches.h"
#include "core/support/error.h"

namespace fovea::cli {
namespace {

Json step_json(const StepRow& row, const std::optional<double>& roofline) {
  return {
      {"layer", row.layer},   {"direction", row.direction},  {"op", row.op},
      {"engine", row.engine}, {"dtype", name_of(row.dtype)}, {"layout", name_of(row.layout)},
      {"bytes", row.bytes},   {"flops", row.flops},          {"roofline_us", roofline ? Json(1e6 * *roofline) : Json()},
      {"fused", row.fused},   {"launches", row.launches},    {"range", row.range}};
}

std::vector<StepRow> counted_rows(const Model& model, Backend& dry, const PlanOptions& options) {
  const ParameterLayout layout = ParameterLayout::of(model.graph);
  const Plan plan = make_plan(model.graph, layout, dry, options);
  std::vector<StepRow> rows = step_rows(model.graph, layout, plan, dry);
  const std::vector<std::int64_t> launches = count_launches(model.graph, layout, plan, dry);
  for (std::size_t i = 0; i < launches.size(); ++i) rows[i].launches = launches[i];
  if (options.training) rows.back().launches = count_sgd_launches(layout, dry);
  return rows;
}

// Microseconds in three digits or more.
}  // namespace

void declare(Arguments& arguments, PlanSummaryOptions& options) {
  arguments.flag("--plan", options.plan, "The steps that the device would run, instead of the layers");
  arguments.choice("--mode", options.mode, {"train", "infer"},
                   "With --plan: a training step (default) or a forward pass");
  declare(arguments, options.roofline);
}

void require_plan(const PlanSummaryOptions& options) {
  if (options.plan) return;
  const auto refuse = [](const char* option) {
    throw InputError(fmt::format("{}: expected --plan beside it", option));
  };
  if (!options.mode.empty()) refuse("--mode");
  if (options.roofline.flops) refuse("--ceiling-flops");
  if (options.roofline.bandwidth) refuse("--ceiling-bandwidth");
  if (!options.roofline.hardware.empty()) refuse("--hardware");
}

Json print_plan(const Model& model, Backend& dry, std::int64_t batch, Precision precision, PlanPasses passes,
                const PlanSummaryOptions& options, Output& out) {
  const std::string mode = options.mode.empty() ? "train" : options.mode;
  const Phase phase = mode == "train" ? Phase::training : Phase::inference;
  const Roofline roofline = roofline_of(options.roofline, precision);
  const PlanOptions planned = plan_options(model, phase, batch, storage_of(precision), passes);
  const std::vector<StepRow> rows = counted_rows(model, dry, planned);

  std::vector<std::vector<std::string>> table{
      {"layer", "direction", "op", "engine", "dtype", "layout", "fused", "launches", "bytes", "FLOP"}};
  if (roofline.known()) table[0].push_back("roofline us");
  Json steps = Json::array();
  std::int64_t conversions = 0, launches = 0, bytes = 0, flops = 0;
  double least = 0;
  for (const StepRow& row : rows) {
    const std::optional<double> seconds = roofline.seconds(row.flops, row.bytes);
    table.push_back({row.layer, row.direction, row.op, row.engine.empty() ? "-" : row.engine,
                     std::string(name_of(row.dtype)), std::string(name_of(row.layout)),
                     row.fused.empty() ? "-" : fmt::format("{}", fmt::join(row.fused, " ")), grouped(row.launches),
                     grouped(row.bytes), grouped(row.flops)});
    if (roofline.known()) table.back().push_back(seconds ? microseconds(*seconds) : "-");
    steps.push_back(step_json(row, seconds));
    conversions += row.kind == StepKind::convert ? 1 : 0;
    launches += row.launches;
    bytes += row.bytes;
    flops += row.flops;
    least += seconds.value_or(0);
  }
  table.push_back({"total", "", "", "", "", "", "", grouped(launches), grouped(bytes), grouped(flops)});
  if (roofline.known()) table.back().push_back(microseconds(least));
  out.result(fmt::format("{}: {} of batch {} on {}, {}", model.graph.name(),
                         mode == "train" ? "a training step" : "a forward pass", batch, dry.name(),
                         name_of(precision)));
  out.result("passes: " + passes_text(passes));
  for (const std::string& line : aligned(table, 7)) out.result(line);
  out.result(fmt::format("{} steps, {} layout conversions, {} launches", rows.size(), conversions, launches));
  return {{"mode", mode}, {"steps", std::move(steps)}, {"layout_conversions", conversions}, {"launches", launches}};
}

}  // namespace fovea::cli
