// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/bench_ceilings.h"
#include "cli/bench_net.h"
#include "cli/commands.h"
#include "cli/device_options.h"
#include "cli/engine_options.h"
#include "cli/net_and_data.h"
#include "cli/plan_passes.h"
#include "cli/runtime_json.h"
#include "core/models/models.h"
#include "core/support/parallel.h"

namespace fovea::cli {
namespace {

struct BenchFlags {
  std::vector<std::string> nets;
  std::string mode = "both", precision = "fp32";
  std::int64_t batch = 64;
  TimingOptions timing;
  bool no_ceilings = false, no_graph = false;
  PassFlags passes;
  DeviceOptions device;
  EngineFlags engines;
};

// One row of the result.
struct Job {
  const Model* model = nullptr;
  PlanOptions plan{};

  const char* mode() const { return plan.training ? "train" : "infer"; }
};

struct NetAndBatch {
  Model model;
  std::int64_t batch = 0;
};

// "lenet5:64" or, for `otherwise` images, "lenet5". A colon inside of a path is no batch.
NetAndBatch read_net(const std::string& text, std::int64_t otherwise) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos || text.find_first_of("/.", colon) != std::string::npos)
    return {make_classifier(load_net(text)), otherwise};
  const std::int64_t batch = parse_integer("NET:BATCH: the batch of '" + text + "'", text.substr(colon + 1), {1});
  return {make_classifier(load_net(text.substr(0, colon))), batch};
}

// Inference first: the peak memory of the training step would hide its own where a system cannot forget peaks.
std::vector<Job> jobs_of(const std::vector<NetAndBatch>& nets, const std::string& mode, DType dtype,
                         PlanPasses passes) {
  std::vector<Job> jobs;
  for (const NetAndBatch& net : nets) {
    const auto add = [&](Phase phase) {
      jobs.push_back({&net.model, plan_options(net.model, phase, net.batch, dtype, passes)});
    };
    if (mode != "train") add(Phase::inference);
    if (mode != "infer") add(Phase::training);
  }
  return jobs;
}

double flops_per_second(const NetTiming& t) { return static_cast<double>(t.flops) / t.step.median(); }
double bytes_per_second(const NetTiming& t) { return static_cast<double>(t.bytes) / t.step.median(); }

// 1234.5 -> "1,235", 12.34 -> "12.3"
std::string rate(double value) {
  return value >= 1000 ? grouped(static_cast<std::int64_t>(std::llround(value))) : fmt::format("{:.1f}", value);
}

Json result_json(const Job& job, const NetTiming& t, const std::optional<Ceilings>& ceilings, const Json& engines) {
  const auto images = static_cast<double>(t.batch);
  Json result{{"net", job.model->graph.name()},
              {"mode", job.mode()},
              {"batch", t.batch},
              {"images_per_second", t.images_per_second()},
              {"images_per_second_min", images / t.step.slowest()},
              {"images_per_second_max", images / t.step.fastest()},
              {"milliseconds", 1e3 * t.step.median()},
              {"milliseconds_min", 1e3 * t.step.fastest()},
              {"milliseconds_max", 1e3 * t.step.slowest()},
              {"steps", t.step.runs},
              {"operations", t.operations},
              {"captured", t.captured},
              {"runtime", runtime_json(t.counts)},
              {"flops", t.flops},
              {"flops_per_second", flops_per_second(t)},
              {"of_matrix_product", ceilings ? Json(flops_per_second(t) / ceilings->flops_per_second) : Json()},
              {"bytes", t.bytes},
              {"bytes_per_second", bytes_per_second(t)},
              {"of_copy", ceilings ? Json(bytes_per_second(t) / ceilings->bytes_per_second) : Json()},
              {"roofline_us", ceilings ? Json(1e6 * t.roofline_seconds(*ceilings)) : Json()},
              {"of_roofline", ceilings ? Json(t.roofline_seconds(*ceilings) / t.step.median()) : Json()},
              {"planned_bytes", t.planned_bytes},
              {"peak_bytes", t.peak_bytes ? Json(*t.peak_bytes) : Json()}};
  if (!engines.is_null()) result["engines"] = engines;
  return result;
}

std::vector<std::string> result_row(const Job& job, const NetTiming& t, const std::optional<Ceilings>& ceilings) {
  const auto images = static_cast<double>(t.batch);
  const double flops = flops_per_second(t), bytes = bytes_per_second(t);
  return {job.model->graph.name(),
          job.mode(),
          grouped(t.batch),
          rate(t.images_per_second()),
          fmt::format("{} to {}", rate(images / t.step.slowest()), rate(images / t.step.fastest())),
          fmt::format("{:.3g}", 1e3 * t.step.median()),
          fmt::format("{:.3g}", 1e-9 * flops),
          ceilings ? percent(flops / ceilings->flops_per_second) : "-",
          fmt::format("{:.3g}", 1e-9 * bytes),
          ceilings ? percent(bytes / ceilings->bytes_per_second) : "-",
          ceilings ? percent(t.roofline_seconds(*ceilings) / t.step.median()) : "-",
          bytes_text(t.planned_bytes),
          t.peak_bytes ? bytes_text(*t.peak_bytes) : "-"};
}

int run_bench(const BenchFlags& options, Output& out) {
  require(!options.nets.empty(), [] { return std::string("NET is required; see 'fovea bench --help'"); });
  std::vector<NetAndBatch> nets;
  for (const std::string& text : options.nets) nets.push_back(read_net(text, options.batch));
  const Precision precision = precision_named(options.precision);
  const DType dtype = storage_of(precision);
  const std::unique_ptr<Backend> backend = open(options.device, precision);
  const PlanPasses passes = passes_of(options.passes, precision);
  const std::vector<Job> jobs = jobs_of(nets, options.mode, dtype, passes);
  // What cannot be planned is refused before the first net runs.
  for (const Job& job : jobs) {
    const Graph& graph = job.model->graph;
    make_plan(graph, ParameterLayout::of(graph), *backend, job.plan);
  }
  const std::string clock(backend->timer()->clock());
  out.say(fmt::format("{}, {}, {} threads; after a warm-up the median of {} repeats of at least {} s by the {}'s clock",
                      backend->name(), options.precision, thread_count(), options.timing.repeats,
                      options.timing.min_seconds, clock));
  say_what_is_off(passes, out);

  std::vector<NetTiming> timings;
  std::vector<Json> engines;
  for (const Job& job : jobs) {
    engines.push_back(choose_engines(job.model->graph, *backend, {job.plan}, options.engines, out));
    timings.push_back(time_net(*job.model, *backend, job.plan, options.timing, !options.no_graph));
  }
  // Last, since the copy needs more memory than many nets.
  std::optional<Ceilings> ceilings;
  if (!options.no_ceilings) ceilings = measure_ceilings(*backend, options.timing, dtype);

  Json results = Json::array();
  std::vector<std::vector<std::string>> rows{{"net", "mode", "batch", "images/s", "slowest to fastest", "ms", "GFLOP/s",
                                              "of product", "GB/s", "of copy", "of roofline", "planned", "peak"}};
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    rows.push_back(result_row(jobs[i], timings[i], ceilings));
    results.push_back(result_json(jobs[i], timings[i], ceilings, engines[i]));
  }
  for (const std::string& line : aligned(rows, 2)) out.result(line);
  if (ceilings)
    out.result(fmt::format("ceilings: {:.3g} GFLOP/s in a product of {}x{} matrices, {:.3g} GB/s in a copy of {}",
                           1e-9 * ceilings->flops_per_second, ceilings->matrix_size, ceilings->matrix_size,
                           1e-9 * ceilings->bytes_per_second, bytes_text(ceilings->copy_bytes)));
  out.object({{"device", device_of(*backend)},
              {"engine", engine_of(*backend)},
              {"precision", options.precision},
              {"passes", passes_json(passes)},
              {"clock", clock},
              {"threads", thread_count()},
              {"repeats", options.timing.repeats},
              {"min_seconds", options.timing.min_seconds},
              {"results", std::move(results)},
              {"ceilings", ceilings ? ceilings_json(*ceilings) : Json()}});
  return 0;
}

}  // namespace

Run declare_bench(Arguments& arguments) {
  auto o = std::make_shared<BenchFlags>();
  // Needless before an action, such as 'conv'.
  arguments.texts("NET", o->nets, std::string(net_help) + "; NET:BATCH gives it a batch of its own",
                  Presence::optional);
  arguments.choice("--mode", o->mode, {"train", "infer", "both"}, "Whole training steps, forward passes, or both");
  arguments.integer("--batch", o->batch, {1}, "Images per step of a NET without a batch");
  declare_precision(arguments, o->precision, all_precisions(),
                    "What is computed with; sums, parameters and their gradients stay float32");
  arguments.integer("--repeats", o->timing.repeats, {1, 10000}, "Measurements, whose median is reported");
  arguments.real("--min-seconds", o->timing.min_seconds, {0, 3600}, "Steps of one repeat run for this long; 0: one");
  arguments.flag("--no-ceilings", o->no_ceilings, "Leave out the copy and the matrix product");
  arguments.flag("--no-graph", o->no_graph, "Tell the device every step call by call, instead of capturing one");
  declare(arguments, o->passes);
  declare_no_copies(arguments, o->passes);
  declare(arguments, o->device);
  declare(arguments, o->engines);
  arguments.footer(
      "The images are random, made once and already on the device. A training step is forward, backward and SGD with\n"
      "momentum 0.9; inference is forward. A multiply-accumulate counts as 2 FLOP, a training step as 3 forward "
      "passes.\n"
      "GB/s counts what the steps of the plan read and write as if no cache kept anything between them, so a small "
      "net\n"
      "may pass 100 % of the copy. The copy and the matrix product are measured in the same run on the same device;\n"
      "'of roofline' is what a step would take if each of its operations ran at one of them.\n"
      "'peak' is the resident memory of this process while the net ran.\n\n"
      "Examples:\n"
      "  fovea bench lenet5\n"
      "  fovea bench lenet5:64 alexnet-cifar:128 resnet20:128 --mode train\n"
      "  fovea bench alexnet:256 --mode train --device cuda --precision bf16\n"
      "  fovea bench alexnet:256 --mode train --device cuda --engine auto\n"
      "  fovea bench lenet5 --device reference --threads 1 --repeats 15 --min-seconds 1 --json");
  return [o](Output& out) { return run_bench(*o, out); };
}

}  // namespace fovea::cli
