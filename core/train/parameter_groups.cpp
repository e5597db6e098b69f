// SPDX-License-Identifier: Apache-2.0
#include "core/train/parameter_groups.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/support/error.h"

namespace fovea {
namespace {

// Which of the layout's trained parameters a rule speaks of.
std::vector<bool> matched(const ParameterLayout& layout, std::string_view option, const std::string& pattern) {
  std::vector<bool> result(layout.entries.size());
  for (std::size_t i = 0; i < layout.entries.size(); ++i)
    result[i] = layout.entries[i].trained && matches(pattern, layout.entries[i].name);
  require(std::ranges::find(result, true) != result.end(), [&] {
    std::vector<std::string> names;
    for (const ParameterLayout::Entry& entry : layout.entries)
      if (entry.trained) names.push_back(entry.name);
    return fmt::format("{}: expected a pattern that matches a parameter, '{}' matches none of {}", option, pattern,
                       fmt::join(names, ", "));
  });
  return result;
}

void apply(const ParameterLayout& layout, std::string_view option, const std::vector<ParameterRule>& rules,
           std::vector<double>& factors) {
  for (const ParameterRule& rule : rules) {
    require(std::isfinite(rule.factor) && rule.factor >= 0, [&] {
      return fmt::format("{}: '{}': expected a factor of at least 0, got {}", option, rule.pattern, rule.factor);
    });
    const std::vector<bool> hit = matched(layout, option, rule.pattern);
    for (std::size_t i = 0; i < factors.size(); ++i)
      if (hit[i]) factors[i] = rule.factor;
  }
}

}  // namespace

bool matches(std::string_view pattern, std::string_view name) {
  // After a star that matched too little, try again with one character more for it.
  std::size_t p = 0, n = 0, star = std::string_view::npos, resume = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = n;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[n])) {
      ++p, ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++resume;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

std::vector<ParameterRun> parameter_runs(const ParameterLayout& layout, const ParameterGroupOptions& options) {
  const std::size_t count = layout.entries.size();
  std::vector<bool> frozen(count);
  for (const std::string& pattern : options.freeze) {
    const std::vector<bool> hit = matched(layout, "freeze", pattern);
    for (std::size_t i = 0; i < count; ++i) frozen[i] = frozen[i] || hit[i];
  }
  std::vector<double> rate(count, 1), decay(count, 1);
  if (options.no_decay_on_biases)
    for (std::size_t i = 0; i < count; ++i) decay[i] = layout.entries[i].spec.shape.rank() <= 1 ? 0 : 1;
  apply(layout, "lr_mult", options.learning_rate_rules, rate);
  apply(layout, "decay_mult", options.decay_rules, decay);

  std::vector<ParameterRun> runs;
  bool open = false;  // the last run reaches to this entry
  for (std::size_t i = 0; i < count && layout.entries[i].trained; ++i) {
    const std::int64_t begin = layout.entries[i].offset;
    const bool last = i + 1 == count || !layout.entries[i + 1].trained;
    const std::int64_t end = last ? layout.trained_elements : layout.entries[i + 1].offset;
    if (frozen[i]) {
      open = false;
      continue;
    }
    const bool alike = open && runs.back().learning_rate_factor == rate[i] && runs.back().decay_factor == decay[i];
    if (!alike) runs.push_back({begin, 0, rate[i], decay[i]});
    runs.back().elements = end - runs.back().first;
    open = true;
  }
  require(!runs.empty() || layout.parameters == 0,
          [] { return std::string("freeze: expected a parameter that is left to train, all are frozen"); });
  return runs;
}

std::vector<ParameterRun> merged(const std::vector<ParameterRun>& runs) {
  std::vector<ParameterRun> result;
  for (const ParameterRun& run : runs) {
    if (!result.empty() && result.back().first + result.back().elements == run.first)
      result.back().elements += run.elements;
    else
      result.push_back({run.first, run.elements});
  }
  return result;
}

View part_of(View arena, const ParameterRun& run) {
  arena.data = static_cast<char*>(arena.data) + static_cast<std::size_t>(run.first) * size_of(arena.dtype);
  arena.shape = Shape{run.elements};
  return arena;
}

}  // namespace fovea
