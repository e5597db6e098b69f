// SPDX-License-Identifier: Apache-2.0
#include "cli/engine_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace fovea::cli {
namespace {

const char* name_of_direction(Direction direction) { return direction == Direction::forward ? "forward" : "backward"; }

std::string microseconds_text(const std::optional<double>& seconds) {
  return seconds ? fmt::format("{:.1f}", 1e6 * *seconds) : "-";
}

// Columns of times in the order of the backend's engines; "-" also for one that lacks the operation.
std::vector<std::string> table_lines(const EngineTable& table, const std::vector<std::string>& engines) {
  std::vector<std::vector<std::string>> rows{{"layer", "direction", "op", "engine"}};
  for (const std::string& engine : engines) rows[0].push_back(engine + " us");
  for (const EngineRow& row : table.rows) {
    rows.push_back({row.layer, name_of_direction(row.direction), row.op, row.engine});
    for (const std::string& engine : engines) {
      const auto found = std::ranges::find(row.times, engine, &EngineTime::engine);
      rows.back().push_back(found == row.times.end() ? "-" : microseconds_text(found->seconds));
    }
  }
  return aligned(rows, 4);
}

// Why engines were refused, each reason once: they begin with the layer's name.
std::vector<std::string> refusals(const EngineTable& table) {
  std::vector<std::string> reasons;
  for (const EngineRow& row : table.rows)
    for (const EngineTime& time : row.times) {
      const std::string prefix = fmt::format("layer '{}': ", row.layer);
      const std::string reason = time.refusal.starts_with(prefix) ? time.refusal.substr(prefix.size()) : time.refusal;
      if (!reason.empty() && std::ranges::find(reasons, reason) == reasons.end()) reasons.push_back(reason);
    }
  return reasons;
}

Json table_json(const EngineTable& table) {
  Json list = Json::array();
  for (const EngineRow& row : table.rows) {
    Json times = Json::object();
    for (const EngineTime& time : row.times) times[time.engine] = time.seconds ? Json(1e6 * *time.seconds) : Json();
    list.push_back({{"layer", row.layer},
                    {"direction", name_of_direction(row.direction)},
                    {"op", row.op},
                    {"engine", row.engine},
                    {"microseconds", std::move(times)}});
  }
  return list;
}

void print_table(const Graph& graph, const Backend& backend, const PlanOptions& plan, const EngineTable& table,
                 const EngineTimes& times, Output& out) {
  const std::vector<std::string> engines = backend.measured_engines();
  const std::string what = fmt::format("engines of {} on {}, {} of batch {}", graph.name(), backend.name(),
                                       plan.training ? "a training step" : "a forward pass", plan.batch);
  if (table.rows.empty()) {
    const std::string why =
        engines.size() < 2 ? fmt::format("{} is the only one here ('fovea devices' says why)", fmt::join(engines, " "))
                           : std::string("no layer has a choice");
    out.say(fmt::format("{}: {}", what, why));
    return;
  }
  const std::string where = times.path().empty() ? "" : fmt::format(" ({})", times.path());
  out.say(fmt::format("{}: {} steps measured, {} known{}", what, table.measured, table.remembered, where));
  for (const std::string& line : table_lines(table, engines)) out.say(line);
  for (const std::string& reason : refusals(table)) out.say("note: " + reason);
  if (!table.unmeasured.empty())
    out.say(fmt::format("note: {} layers were never measured and are shown with engine {}: 'fovea bench' measures them",
                        table.unmeasured.size(), engines.front()));
}

}  // namespace

void declare(Arguments& arguments, EngineFlags& flags) {
  arguments.flag("--no-engine-cache", flags.no_cache,
                 "With engine auto: measure anew, and neither read nor write what was measured before");
}

Json choose_engines(const Graph& graph, Backend& backend, const std::vector<PlanOptions>& plans,
                    const EngineFlags& flags, Output& out, bool dry) {
  if (backend.measured_engines().empty()) return nullptr;
  EngineTimes times = flags.no_cache ? EngineTimes() : EngineTimes(engine_times_path());
  if (!times.warning().empty()) out.say("note: " + times.warning());
  const EngineTable table = fovea::choose_engines(graph, backend, plans, times, !dry);
  const std::string before = times.warning();
  times.save();
  if (times.warning() != before) out.say("note: " + times.warning());
  print_table(graph, backend, plans.front(), table, times, out);
  return table_json(table);
}

Json engines_of_checkpoint(const Checkpoint& checkpoint, const std::string& path, const Graph& graph, Backend& backend,
                           const std::vector<PlanOptions>& plans, const EngineFlags& flags, Output& out) {
  if (!use_engines_of(checkpoint, path, backend)) return choose_engines(graph, backend, plans, flags, out);
  out.say(fmt::format("engines of {} layers' passes as in {}", checkpoint.engines.size(), path));
  Json list = Json::array();
  for (const EnginePick& pick : checkpoint.engines) {
    const auto node = std::ranges::find(graph.nodes(), pick.layer, &Node::name);
    if (node == graph.nodes().end() || !node->layer) continue;  // folded into the layer before it
    list.push_back({{"layer", pick.layer},
                    {"direction", name_of_direction(pick.direction)},
                    {"op", node->layer->op()},
                    {"engine", pick.engine},
                    {"microseconds", Json()}});
  }
  return list;
}

}  // namespace fovea::cli
