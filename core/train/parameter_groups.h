// SPDX-License-Identifier: Apache-2.0
//
// Parameters that are trained differently, chosen by name: other learning rates, no weight decay, not at all.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/executor/parameters.h"

namespace fovea {

// A pattern as in a shell: `*` is any text, `?` any one character, all else itself; the whole name must match.
// "conv*", "*.bias", "stage3.?.conv1.weight".
bool matches(std::string_view pattern, std::string_view name);

struct ParameterRule {
  std::string pattern;
  double factor = 1;
  bool operator==(const ParameterRule&) const = default;
};

// Of several rules that match a parameter, the last one counts.
struct ParameterGroupOptions {
  std::vector<std::string> freeze = {};                 // not trained: no gradient of theirs counts anywhere
  std::vector<ParameterRule> learning_rate_rules = {};  // times the learning rate
  std::vector<ParameterRule> decay_rules = {};          // times the weight decay
  // No weight decay on biases, scales and shifts: on whatever has one axis only. A decay rule that matches goes first.
  bool no_decay_on_biases = false;
  bool operator==(const ParameterGroupOptions&) const = default;
};

// Neighbours in the arena that are trained alike: one call of an operation covers them, gaps between them included.
struct ParameterRun {
  std::int64_t first = 0, elements = 0;  // in the arena
  double learning_rate_factor = 1, decay_factor = 1;
};

// The runs of all that is trained, in the order of the arena: one where all parameters are alike. Throws InputError: a
// pattern that matches no parameter, a factor that is negative or not finite, nothing left to train.
std::vector<ParameterRun> parameter_runs(const ParameterLayout& layout, const ParameterGroupOptions& options);

// The same without the differences: as few runs as hold all that is trained.
std::vector<ParameterRun> merged(const std::vector<ParameterRun>& runs);

// The run's part of an arena.
View part_of(View arena, const ParameterRun& run);

}  // namespace fovea
