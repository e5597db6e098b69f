// SPDX-License-Identifier: Apache-2.0
#include "cli/profile_trace.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "cli/output.h"
#include "core/io/file.h"

namespace fovea::cli {
namespace {

// Whole nanoseconds in microseconds, the unit of the format: an end is where the next one may begin, not a bit later.
double trace_time(double seconds) { return std::round(1e9 * seconds) / 1e3; }

Json event(const std::string& name, const char* category, const StepSpan& span) {
  const double begin = trace_time(span.begin);
  return {{"name", name},
          {"cat", category},
          {"ph", "X"},
          {"pid", 1},
          {"tid", 1},
          {"ts", begin},
          {"dur", trace_time(span.end) - begin}};
}

}  // namespace

void write_trace(const std::string& path, const Profile& profile, const std::string& title) {
  Json events = Json::array();
  events.push_back({{"name", "process_name"}, {"ph", "M"}, {"pid", 1}, {"args", {{"name", title}}}});
  std::size_t first = 0;
  for (std::size_t i = 0; i < profile.steps.size(); ++i) {
    const std::string& direction = profile.steps[i].direction;
    if (i == 0 || direction != profile.steps[first].direction) {
      first = i;
      std::size_t last = i;
      while (last + 1 < profile.steps.size() && profile.steps[last + 1].direction == direction) ++last;
      events.push_back(event(direction, "pass", {profile.spans[first].begin, profile.spans[last].end}));
    }
    const StepRow& step = profile.steps[i];
    Json one = event(step.range, "step", profile.spans[i]);
    one["args"] = {{"layer", step.layer},      {"direction", direction}, {"op", step.op},
                   {"engine", step.engine},    {"bytes", step.bytes},    {"flops", step.flops},
                   {"launches", step.launches}};
    events.push_back(std::move(one));
  }
  write_file_atomically(path, Json{{"displayTimeUnit", "ms"}, {"traceEvents", std::move(events)}}.dump(1) + "\n");
}

}  // namespace fovea::cli
