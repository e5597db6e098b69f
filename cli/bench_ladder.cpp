// SPDX-License-Identifier: Apache-2.0
#include "cli/bench_ladder.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "cli/bench_ceilings.h"
#include "core/backend/device_list.h"
#include "core/io/file.h"
#include "core/support/error.h"

namespace fovea::cli {
namespace {

// The engines that are somebody else's kernels.
constexpr std::array<std::string_view, 3> library_engines{"library", "library-tf32", "onednn"};

struct Contestants {
  std::vector<Contestant> list;  // the generations in order, then the library
  std::string library;           // its name and version, or why there is none
};

bool computes_in(const EngineInfo& engine, Ops& ops, const std::string& op, Precision precision) {
  if (is_16_bit(storage_of(precision))) return ops.stores_16_bits(op);
  // fp32x3 has the bounds of float32, and so stands beside a library's float32.
  const Precision wanted = precision == Precision::fp32x3 ? Precision::fp32 : precision;
  return std::ranges::find(engine.precisions, wanted) != engine.precisions.end();
}

Contestants contestants_of(Backend& backend, const std::string& op, Precision precision) {
  Contestants result;
  for (Generation& g : backend.generations(op, precision))
    result.list.push_back({std::move(g.name), std::move(g.engine), g.layout});
  std::string device = device_of(backend);
  device.erase(device.find_last_not_of("0123456789") + 1);  // of "cuda1"
  result.library = fmt::format("device {} has none", device);
  if (precision == Precision::fp32x3 && result.list.empty()) return result;  // a library's float32 is no fp32x3
  for (const DeviceInfo& info : list_devices()) {
    if (info.name != device) continue;
    for (const EngineInfo& engine : info.engines) {
      if (std::ranges::find(library_engines, engine.name) == library_engines.end()) continue;
      result.library = fmt::format("{}: {}", engine.name, engine.detail);
      if (!engine.available) continue;
      EngineChoice choice = backend.choose(op, Direction::forward, engine.name);
      if (computes_in(engine, *choice.ops, op, precision)) {
        result.list.push_back({engine.name, std::move(choice), std::nullopt, false});
        return result;
      }
      result.library = fmt::format("{} does not compute {} in {}", engine.name, op, name_of(precision));
    }
  }
  return result;
}

struct LadderResult {
  std::optional<Timing> timing{};
  std::string refusal{};  // why there is none
  bool failed = false;    // because of a fault of the device: no answer to the question that was asked
};

LadderResult measure_one(Backend& backend, const TimingOptions& options, const LadderWork& work,
                         const Contestant& contestant) {
  try {
    return {measure(backend, options, work.prepare(contestant)), {}};
  } catch (const InputError& error) {
    return {std::nullopt, error.what()};
  } catch (const DeviceError& error) {  // a long run is not lost for one of its measurements
    return {std::nullopt, error.what(), true};
  }
}

struct LadderRow {
  const LadderWork* work = nullptr;
  std::vector<LadderResult> results;  // as the contestants
  std::optional<double> roofline{};   // seconds
  std::optional<std::size_t> best{};  // the fastest of our own
  std::optional<double> ratio{};      // its speed over the library's
};

LadderRow row_of(const LadderWork& work, const std::vector<Contestant>& contestants, std::vector<LadderResult> results,
                 const Roofline& roofline) {
  LadderRow row{&work, std::move(results), roofline.seconds(work.flops, work.bytes)};
  const auto seconds = [&](std::size_t i) { return row.results[i].timing->median(); };
  for (std::size_t i = 0; i < contestants.size(); ++i) {
    if (!row.results[i].timing) continue;
    if (contestants[i].own && (!row.best || seconds(i) < seconds(*row.best))) row.best = i;
    if (!contestants[i].own && row.best) row.ratio = seconds(i) / seconds(*row.best);
  }
  return row;
}

// Of the ratios, direction by direction in the order of the rows.
std::vector<std::pair<std::string, std::optional<double>>> geometric_means(const std::vector<LadderRow>& rows) {
  std::vector<std::pair<std::string, std::optional<double>>> means;
  std::map<std::string, std::pair<double, int>> logarithms;  // their sum and number
  for (const LadderRow& row : rows) {
    const std::string& direction = row.work->direction;
    if (std::ranges::find(means, direction, [](const auto& m) { return m.first; }) == means.end())
      means.emplace_back(direction, std::nullopt);
    if (row.ratio) logarithms[direction].first += std::log(*row.ratio), ++logarithms[direction].second;
  }
  for (auto& [direction, mean] : means) {
    const auto [sum, count] = logarithms[direction];
    if (count > 0) mean = std::exp(sum / count);
  }
  return means;
}

Json optional_json(const std::optional<double>& value) { return value ? Json(*value) : Json(); }

Json result_json(const LadderRow& row, const Contestant& contestant, const LadderResult& result) {
  Json json{{"name", contestant.name}, {"engine", contestant.engine.engine}, {"own", contestant.own}};
  json["refusal"] = result.timing ? Json() : Json(result.refusal);
  if (!result.timing) return json;
  const Timing& t = *result.timing;
  json["microseconds"] = 1e6 * t.median();
  json["microseconds_min"] = 1e6 * t.fastest();
  json["microseconds_max"] = 1e6 * t.slowest();
  json["runs"] = t.runs;
  json["repeats"] = t.seconds.size();
  json["flops_per_second"] = static_cast<double>(row.work->flops) / t.median();
  json["of_roofline"] = row.roofline ? Json(*row.roofline / t.median()) : Json();
  return json;
}

Json row_json(const LadderRow& row, const std::vector<Contestant>& contestants) {
  Json json{{"name", row.work->name}, {"direction", row.work->direction}};
  json.update(row.work->description);
  json["flops"] = row.work->flops;
  json["bytes"] = row.work->bytes;
  json["roofline_us"] = row.roofline ? Json(1e6 * *row.roofline) : Json();
  json["times"] = Json::array();
  for (std::size_t i = 0; i < contestants.size(); ++i)
    json["times"].push_back(result_json(row, contestants[i], row.results[i]));
  json["best"] = row.best ? Json(contestants[*row.best].name) : Json();
  json["ratio"] = optional_json(row.ratio);
  return json;
}

// 0.01234 -> "12,340", 1.234e-5 -> "12.3"
void print_table(const std::vector<LadderRow>& rows, const std::vector<Contestant>& contestants, Output& out) {
  std::vector<std::vector<std::string>> table{{"work", "size", "direction", "roofline us"}};
  for (const Contestant& c : contestants) table[0].insert(table[0].end(), {c.name + " us", "TFLOP/s", "of roofline"});
  table[0].push_back("own : library");
  for (const LadderRow& row : rows) {
    const LadderWork& work = *row.work;
    std::vector<std::string> line{work.name, work.size, work.direction,
                                  row.roofline ? microseconds(*row.roofline) : "-"};
    for (const LadderResult& result : row.results) {
      if (!result.timing) {
        line.insert(line.end(), {"-", "-", "-"});
        continue;
      }
      const double seconds = result.timing->median();
      line.push_back(microseconds(seconds));
      line.push_back(fmt::format("{:.3g}", 1e-12 * static_cast<double>(work.flops) / seconds));
      line.push_back(row.roofline ? percent(*row.roofline / seconds) : "-");
    }
    line.push_back(row.ratio ? fmt::format("{:.2f}", *row.ratio) : "-");
    table.push_back(std::move(line));
  }
  for (const std::string& line : aligned(table, 3)) out.result(line);
}

}  // namespace

void declare(Arguments& arguments, LadderOptions& options, const std::vector<std::string>& directions) {
  std::vector<std::string> choices = directions;
  choices.emplace_back("all");
  arguments.choice("--direction", options.direction, choices, "Which of the three products");
  declare_precision(arguments, options.precision, all_precisions(),
                    "What is computed with; sums and gradients of filters stay float32");
  arguments.integer("--repeats", options.timing.repeats, {1, 10000}, "Measurements, whose median is reported");
  arguments.real("--min-seconds", options.timing.min_seconds, {0, 3600},
                 "Calls of one repeat run for this long; 0: one");
  arguments.real("--max-seconds", options.timing.max_seconds, {0, 3600},
                 "After this long no further repeat of a measurement begins");
  arguments.flag("--no-ceilings", options.no_ceilings, "Leave out the copy and the matrix product");
  arguments.text("--out", options.out, "FILE", "Write the JSON object to this file too");
  declare(arguments, options.roofline);
  declare(arguments, options.device);
}

int run_ladder(const LadderOptions& options, Backend& backend, const std::string& op, Json head,
               const std::vector<LadderWork>& works, Output& out) {
  const Precision precision = precision_named(options.precision);
  const DType dtype = storage_of(precision);
  const Contestants who = contestants_of(backend, op, precision);
  require(!who.list.empty(), [&] {
    return fmt::format("--precision {}: expected one that device {} computes {} in; its library: {}", options.precision,
                       device_of(backend), op, who.library);
  });
  const std::string clock(backend.timer()->clock());
  out.say(fmt::format("{}, {}; after a warm-up the median of up to {} repeats of at least {} s by the {}'s clock",
                      device_of(backend), options.precision, options.timing.repeats, options.timing.min_seconds,
                      clock));
  out.say("library: " + who.library);

  std::optional<Ceilings> ceilings;
  if (!options.no_ceilings) {
    std::vector<Ops*> products;
    for (const Contestant& c : contestants_of(backend, "linear", precision).list) products.push_back(c.engine.ops);
    ceilings = measure_ceilings(backend, options.timing, dtype, products);
  }
  Roofline roofline = roofline_of(options.roofline, precision);  // what is given goes before what is measured
  if (ceilings && !roofline.flops_per_second) roofline.flops_per_second = ceilings->flops_per_second;
  if (ceilings && !roofline.bytes_per_second) roofline.bytes_per_second = ceilings->bytes_per_second;

  std::vector<std::vector<LadderResult>> results;
  for (const LadderWork& work : works) {
    results.emplace_back();
    for (const Contestant& contestant : who.list)
      results.back().push_back(measure_one(backend, options.timing, work, contestant));
  }

  std::vector<LadderRow> rows;
  for (std::size_t i = 0; i < works.size(); ++i)
    rows.push_back(row_of(works[i], who.list, std::move(results[i]), roofline));
  print_table(rows, who.list, out);
  for (const LadderRow& row : rows)
    for (std::size_t i = 0; i < who.list.size(); ++i)
      if (!row.results[i].timing)
        out.result(fmt::format("{} {} by {}: {}", row.work->name, row.work->direction, who.list[i].name,
                               row.results[i].refusal));
  const auto means = geometric_means(rows);
  for (const auto& [direction, mean] : means)
    if (mean) out.result(fmt::format("{}: {:.3f} times the library's speed (geometric mean)", direction, *mean));
  if (roofline.known())
    out.result(fmt::format("roofline: {:.4g} TFLOP/s, {:.4g} GB/s", 1e-12 * roofline.flops_per_second.value_or(0),
                           1e-9 * roofline.bytes_per_second.value_or(0)));

  Json object = std::move(head);
  object.update({{"device", device_of(backend)},
                 {"precision", options.precision},
                 {"clock", clock},
                 {"repeats", options.timing.repeats},
                 {"min_seconds", options.timing.min_seconds},
                 {"max_seconds", options.timing.max_seconds},
                 {"library", who.library},
                 {"ceilings", ceilings ? ceilings_json(*ceilings) : Json()},
                 {"roofline",
                  {{"flops_per_second", optional_json(roofline.flops_per_second)},
                   {"bytes_per_second", optional_json(roofline.bytes_per_second)}}}});
  object["contestants"] = Json::array();
  for (const Contestant& c : who.list)
    object["contestants"].push_back({{"name", c.name}, {"engine", c.engine.engine}, {"own", c.own}});
  object["results"] = Json::array();
  for (const LadderRow& row : rows) object["results"].push_back(row_json(row, who.list));
  object["geometric_means"] = Json::object();
  for (const auto& [direction, mean] : means) object["geometric_means"][direction] = optional_json(mean);
  if (!options.out.empty()) write_file_atomically(options.out, object.dump(1) + "\n");
  out.object(object);
  const auto failed = [](const LadderRow& row) { return std::ranges::any_of(row.results, &LadderResult::failed); };
  constexpr int done = 0, check_failed = 1;
  return std::ranges::any_of(rows, failed) ? check_failed : done;
}

}  // namespace fovea::cli
