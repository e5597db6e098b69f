// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "cli/bench_ceilings.h"
#include "cli/step_rows.h"
#include "core/graph/graph.h"

namespace fovea::cli {

// A layer in one direction: the steps of the plan that are its own, conversions and casts among them.
struct ProfileRow {
  std::string layer, direction, op, engine;
  double seconds = 0;  // of one step: the median
  std::int64_t bytes = 0, flops = 0, launches = 0;
};

// When a step of the plan ran, in seconds since the first one began.
struct StepSpan {
  double begin = 0, end = 0;
};

struct Profile {
  std::vector<ProfileRow> rows;           // in the order in which they run
  std::vector<StepRow> steps;             // with the launches that were counted
  std::vector<StepSpan> spans;            // by step, in the last one that was measured
  std::optional<RuntimeCounts> counts{};  // of a whole step
  double step_seconds = 0;                // of a whole step told call by call, nobody waiting within: the median
  std::optional<double>
      captured_seconds{};     // of one that is captured and replayed; nullopt where the device captures none
  double launch_seconds = 0;  // of the smallest operation there is, its start included: the median
  std::string clock;          // whose the times are: "host" or "device"

  double sum() const;  // of the rows' seconds
};

// Runs the net's steps (cli/net_step.h) on the device: `steps` of them with a mark of the backend's timer after each step of
// the plan, where the host waits if the clock is its own; in turn with them as many as they are, and as many captured ones.
// The marks are what the rows' times come from. Throws as NetStep does.
Profile profile_net(const Model& model, Backend& backend, const PlanOptions& options, std::int64_t steps);

enum class Bound { compute, memory, launch };

// What the row is bound by: starting its operations, when they alone would take at least as long as its bytes and its
// FLOP at the ceilings; else the longer of these two.
Bound bound_of(const ProfileRow& row, const Profile& profile, const Ceilings& ceilings);
// What its bytes and FLOP take at the ceilings.
double roofline_seconds(const ProfileRow& row, const Ceilings& ceilings);

}  // namespace fovea::cli
