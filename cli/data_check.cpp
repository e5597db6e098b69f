// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/data_command.h"
#include "core/data/check.h"

namespace fovea::cli {
namespace {

constexpr std::size_t most_listed = 20;

std::string text_of(const SampleName& sample, const std::vector<std::string>& classes) {
  return fmt::format("{} ({}, {})", sample.file.empty() ? fmt::format("sample {}", sample.index) : sample.file,
                     sample.split, classes[static_cast<std::size_t>(sample.label)]);
}

Json json_of(const Duplicates& duplicates, const std::vector<std::string>& classes) {
  Json samples = Json::array();
  for (const SampleName& sample : duplicates.samples) {
    samples.push_back({{"split", sample.split},
                       {"index", sample.index},
                       {"class", classes[static_cast<std::size_t>(sample.label)]},
                       {"file", sample.file.empty() ? Json() : Json(sample.file)}});
  }
  return {{"across_classes", duplicates.across_classes},
          {"across_splits", duplicates.across_splits},
          {"samples", std::move(samples)}};
}

// `print` for the first few of a list.
template <class List, class Print>
void say_some(Output& out, const List& list, Print print) {
  for (std::size_t i = 0; i < std::min(list.size(), most_listed); ++i) out.say("  " + print(list[i]));
  if (list.size() > most_listed) {
    out.say(fmt::format("  and {} more; --json lists all", list.size() - most_listed));
  }
}

void say_classes(Output& out, const DataReport& report, const std::vector<std::string>& classes) {
  std::vector<std::vector<std::string>> rows{{"class"}};
  for (const DataReport::Split& split : report.splits) rows[0].push_back(split.name);
  for (std::size_t c = 0; c < report.splits[0].per_class.size(); ++c) {
    rows.push_back({classes[c]});
    for (const DataReport::Split& split : report.splits) rows.back().push_back(grouped(split.per_class[c]));
  }
  if (rows.size() < 2) return;
  for (const std::string& line : aligned(rows, 1)) out.say(line);
}

}  // namespace

int check_data_command(const DataCommandOptions&, const DataSplits& splits, Output& out) {
  const DataReport report = check_data(splits);
  const std::vector<std::string>& classes = splits.train->class_names();
  std::string sizes;
  Json split_objects = Json::array();
  for (const DataReport::Split& split : report.splits) {
    sizes += fmt::format("{}{} {}", sizes.empty() ? "" : ", ", grouped(split.samples), split.name);
    Json per_class = Json::object();
    for (std::size_t c = 0; c < split.per_class.size(); ++c) per_class[classes[c]] = split.per_class[c];
    split_objects.push_back({{"name", split.name}, {"samples", split.samples}, {"per_class", std::move(per_class)}});
  }
  out.say(fmt::format("{}: {} samples {} of {} classes", splits.spec, sizes, splits.train->sample_shape().to_string(),
                      classes.size()));
  say_classes(out, report, classes);
  if (!report.normalization.mean.empty())
    out.say(fmt::format("mean {:.4f}, deviation {:.4f} (of 0 to 1, train)", fmt::join(report.normalization.mean, " "),
                        fmt::join(report.normalization.deviation, " ")));
  if (!report.unreadable.empty()) out.say("cannot be read:");
  say_some(out, report.unreadable, [](const std::string& message) { return message; });
  if (!report.duplicates.empty()) out.say("equal samples:");
  say_some(out, report.duplicates, [&](const Duplicates& duplicates) {
    std::string line;
    for (const SampleName& sample : duplicates.samples) line += (line.empty() ? "" : " = ") + text_of(sample, classes);
    return line;
  });
  // The notes of opening were said before.
  for (std::size_t i = splits.notes.size(); i < report.notes.size(); ++i) out.say("note: " + report.notes[i]);
  for (const std::string& problem : report.problems) out.result("problem: " + problem);
  if (report.problems.empty()) out.result("the data are sound");

  Json duplicates = Json::array();
  for (const Duplicates& group : report.duplicates) duplicates.push_back(json_of(group, classes));
  const Shape sample = splits.train->sample_shape();
  const std::vector<std::int64_t> shape(sample.extents().begin(), sample.extents().end());
  out.object({{"ok", report.problems.empty()},
              {"data", splits.spec},
              {"sample_shape", shape},
              {"classes", classes},
              {"splits", std::move(split_objects)},
              {"mean", report.normalization.mean},
              {"deviation", report.normalization.deviation},
              {"unreadable", report.unreadable},
              {"duplicates", std::move(duplicates)},
              {"problems", report.problems},
              {"notes", report.notes}});
  return report.problems.empty() ? 0 : 1;
}

}  // namespace fovea::cli
