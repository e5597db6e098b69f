// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/commands.h"
#include "cli/device_options.h"
#include "cli/engine_options.h"
#include "cli/net_and_data.h"
#include "cli/net_step.h"
#include "cli/plan_passes.h"
#include "cli/profile_against.h"
#include "cli/profile_net.h"
#include "cli/profile_trace.h"
#include "cli/runtime_json.h"
#include "core/models/models.h"
#include "core/support/error.h"
#include "core/support/parallel.h"

namespace fovea::cli {
namespace {

struct ProfileFlags {
  std::string net, mode = "train", precision = "fp32", trace, against;
  std::int64_t batch = 64, steps = 10;
  PassFlags passes;
  DeviceOptions device;
  EngineFlags engines;
};

// All that the tables are made of.
struct Report {
  Profile profile;
  Ceilings ceilings;
  std::optional<EarlierProfile> earlier{};

  double share(const ProfileRow& row) const { return row.seconds / profile.sum(); }
  double of_roofline(const ProfileRow& row) const { return roofline_seconds(row, ceilings) / row.seconds; }
  // How much longer the rows take together than a whole step in which nobody waits.
  double gap() const { return profile.sum() / profile.step_seconds - 1; }
  std::optional<double> ratio(const ProfileRow& row) const {
    const std::optional<double> before =
        earlier ? earlier->milliseconds(row.layer, row.direction) : std::optional<double>{};
    if (!before) return std::nullopt;
    return 1e3 * row.seconds / *before;
  }
};

const char* name_of(Bound bound) {
  return bound == Bound::launch ? "launch-bound" : bound == Bound::compute ? "compute-bound" : "memory-bound";
}

double per_second(std::int64_t work, const ProfileRow& row) { return static_cast<double>(work) / row.seconds; }

Json row_json(const ProfileRow& row, const Report& report) {
  return {{"layer", row.layer},
          {"direction", row.direction},
          {"op", row.op},
          {"engine", row.engine},
          {"milliseconds", 1e3 * row.seconds},
          {"share", report.share(row)},
          {"flops", row.flops},
          {"flops_per_second", per_second(row.flops, row)},
          {"bytes", row.bytes},
          {"bytes_per_second", per_second(row.bytes, row)},
          {"roofline_us", 1e6 * roofline_seconds(row, report.ceilings)},
          {"of_roofline", report.of_roofline(row)},
          {"launches", row.launches},
          {"verdict", name_of(bound_of(row, report.profile, report.ceilings))}};
}

Json against_json(const std::string& file, const Report& report) {
  const EarlierProfile& earlier = *report.earlier;
  Json rows = Json::array();
  for (const ProfileRow& row : report.profile.rows) {
    const std::optional<double> ratio = report.ratio(row);
    rows.push_back({{"layer", row.layer}, {"direction", row.direction}, {"ratio", ratio ? Json(*ratio) : Json()}});
  }
  return {{"file", file},
          {"device", earlier.device},
          {"engine", earlier.engine},
          {"precision", earlier.precision},
          {"step_ratio", 1e3 * report.profile.step_seconds / earlier.step_milliseconds},
          {"layers", std::move(rows)}};
}

void print(const Report& report, Output& out) {
  std::vector<std::vector<std::string>> table{{"layer", "direction", "op", "engine", "verdict", "ms", "share",
                                               "GFLOP/s", "GB/s", "of roofline", "launches", "bytes"}};
  if (report.earlier) table[0].insert(table[0].end(), {"before ms", "ratio"});
  std::int64_t launches = 0, bytes = 0, flops = 0;
  for (const ProfileRow& row : report.profile.rows) {
    table.push_back({row.layer, row.direction, row.op, row.engine.empty() ? "-" : row.engine,
                     name_of(bound_of(row, report.profile, report.ceilings)), fmt::format("{:.3g}", 1e3 * row.seconds),
                     percent(report.share(row)), fmt::format("{:.3g}", 1e-9 * per_second(row.flops, row)),
                     fmt::format("{:.3g}", 1e-9 * per_second(row.bytes, row)), percent(report.of_roofline(row)),
                     grouped(row.launches), grouped(row.bytes)});
    if (report.earlier) {
      const std::optional<double> ratio = report.ratio(row);
      table.back().push_back(ratio ? fmt::format("{:.3g}", 1e3 * row.seconds / *ratio) : "-");
      table.back().push_back(ratio ? fmt::format("{:.3f}", *ratio) : "-");
    }
    launches += row.launches;
    bytes += row.bytes;
    flops += row.flops;
  }
  for (const std::string& line : aligned(table, 5)) out.result(line);
  const Profile& p = report.profile;
  out.result(fmt::format(
      "sum {:.4g} ms by the {}'s clock, {} launches, {} bytes, {} FLOP; a whole step without marks between: {:.4g} ms; "
      "gap {:+.1f} %",
      1e3 * p.sum(), p.clock, grouped(launches), grouped(bytes), grouped(flops), 1e3 * p.step_seconds,
      100 * report.gap()));
  if (p.captured_seconds)
    out.result(fmt::format("captured once and replayed, a step takes {:.4g} ms", 1e3 * *p.captured_seconds));
  if (report.earlier)
    out.result(fmt::format("before: {:.4g} ms on {}:{}, {}; ratio {:.3f}", report.earlier->step_milliseconds,
                           report.earlier->device, report.earlier->engine, report.earlier->precision,
                           1e3 * p.step_seconds / report.earlier->step_milliseconds));
  out.result(
      fmt::format("ceilings: {:.3g} GFLOP/s in a product of {}x{} matrices, {:.3g} GB/s in a copy; the smallest "
                  "operation takes {:.3g} us",
                  1e-9 * report.ceilings.flops_per_second, report.ceilings.matrix_size, report.ceilings.matrix_size,
                  1e-9 * report.ceilings.bytes_per_second, 1e6 * p.launch_seconds));
}

void require_directory(const std::string& file) {
  if (file.empty()) return;
  const std::filesystem::path folder = std::filesystem::path(file).parent_path();
  std::error_code error;
  require(folder.empty() || std::filesystem::is_directory(folder, error),
          [&] { return fmt::format("--trace {}: there is no directory '{}'", file, folder.string()); });
  require(!std::filesystem::is_directory(file, error),
          [&] { return fmt::format("--trace {}: expected a file, got a directory", file); });
}

int run_profile(const ProfileFlags& options, Output& out) {
  const Model model = make_classifier(load_net(options.net));
  const std::string& net = model.graph.name();
  // What is wrong with files is said before anything is measured.
  require_directory(options.trace);
  Report report;
  if (!options.against.empty())
    report.earlier = read_earlier_profile(options.against, net, options.batch, options.mode);
  const Precision precision = precision_named(options.precision);
  const std::unique_ptr<Backend> backend = open(options.device, precision);
  const DType dtype = storage_of(precision);
  const Phase phase = options.mode == "train" ? Phase::training : Phase::inference;
  const PlanOptions plan = plan_options(model, phase, options.batch, dtype, passes_of(options.passes, precision));
  make_plan(model.graph, ParameterLayout::of(model.graph), *backend, plan);  // or an error, before anything is printed
  const std::string title =
      fmt::format("{}, batch {}, {}, {} on {}", net, options.batch, options.mode, options.precision, backend->name());
  out.say(fmt::format("{}, {} threads; the median of {} steps", title, thread_count(), options.steps));
  say_what_is_off(plan.passes, out);

  const Json engines = choose_engines(model.graph, *backend, {plan}, options.engines, out);
  report.profile = profile_net(model, *backend, plan, options.steps);
  report.ceilings = measure_ceilings(*backend, {.repeats = 3, .min_seconds = 0.1}, dtype);
  if (!options.trace.empty()) write_trace(options.trace, report.profile, title);
  print(report, out);
  if (!options.trace.empty()) out.say(fmt::format("written: {}", options.trace));

  Json layers = Json::array();
  std::int64_t launches = 0;
  for (const ProfileRow& row : report.profile.rows) {
    layers.push_back(row_json(row, report));
    launches += row.launches;
  }
  Json object{{"net", net},
              {"batch", options.batch},
              {"mode", options.mode},
              {"precision", options.precision},
              {"passes", passes_json(plan.passes)},
              {"device", device_of(*backend)},
              {"engine", engine_of(*backend)},
              {"threads", thread_count()},
              {"steps", options.steps},
              {"layers", std::move(layers)},
              {"launches", launches},
              {"runtime", runtime_json(report.profile.counts)},
              {"sum_milliseconds", 1e3 * report.profile.sum()},
              {"step_milliseconds", 1e3 * report.profile.step_seconds},
              {"captured_milliseconds",
               report.profile.captured_seconds ? Json(1e3 * *report.profile.captured_seconds) : Json()},
              {"clock", report.profile.clock},
              {"gap", report.gap()},
              {"launch_us", 1e6 * report.profile.launch_seconds},
              {"ceilings", ceilings_json(report.ceilings)},
              {"trace", options.trace.empty() ? Json() : Json(options.trace)},
              {"against", report.earlier ? against_json(options.against, report) : Json()}};
  if (!engines.is_null()) object["engines"] = engines;
  out.object(object);
  return 0;
}

}  // namespace

Run declare_profile(Arguments& arguments) {
  auto o = std::make_shared<ProfileFlags>();
  arguments.text("NET", o->net, "", net_help, Presence::required);
  arguments.integer("--batch", o->batch, {1}, "Images per step");
  arguments.choice("--mode", o->mode, {"train", "infer"}, "Whole training steps or forward passes");
  arguments.integer("--steps", o->steps, {1, 100000}, "Steps that are measured layer by layer, and as many whole ones");
  declare_precision(arguments, o->precision, all_precisions(),
                    "What is computed with; sums, parameters and their gradients stay float32");
  arguments.text("--trace", o->trace, "FILE", "Also write one step as trace events, for ui.perfetto.dev");
  arguments.text("--against", o->against, "FILE", "Also print ratios to what an earlier run with --json printed");
  declare(arguments, o->passes);
  declare_no_copies(arguments, o->passes);
  declare(arguments, o->device);
  declare(arguments, o->engines);
  arguments.footer(
      "Each layer and direction inside of real steps, the device waited for after each; in turn with them whole steps\n"
      "without waiting, which the sum is held against. launch-bound: starting its operations alone would take as long\n"
      "as its FLOP and bytes at the ceilings; else compute- or memory-bound, by which of these takes longer.\n"
      "docs/profiling.md tells how to read the table.\n\n"
      "Examples:\n"
      "  fovea profile lenet5\n"
      "  fovea profile alexnet-cifar --device cpu --batch 128 --trace step.json\n"
      "  fovea profile resnet20 --device cpu --json > before.json\n"
      "  fovea profile resnet20 --device cpu --against before.json");
  return [o](Output& out) { return run_profile(*o, out); };
}

}  // namespace fovea::cli
