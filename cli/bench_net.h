// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>

#include "cli/bench_ceilings.h"
#include "cli/bench_timing.h"
#include "cli/net_step.h"
#include "cli/step_rows.h"

namespace fovea::cli {

struct NetTiming {
  Timing step;
  std::int64_t batch = 0;
  std::int64_t flops = 0;       // of one step: 2 for each multiply-accumulate forward, 3 times that in training
  std::int64_t bytes = 0;       // read and written by one step (cli/bench_bytes.h)
  std::int64_t operations = 0;  // that the backend executes in one step told call by call
  bool captured = false;        // the steps timed were captured once and replayed
  std::optional<RuntimeCounts> counts{};    // of one step
  std::vector<StepRow> rows{};              // the steps of the plan, and the optimizer
  std::size_t planned_bytes = 0;            // as `fovea summary` has it
  std::optional<std::size_t> peak_bytes{};  // resident memory of the process (cli/peak_memory.h)

  // What the rows take when each is as fast as its FLOP and its bytes allow.
  double roofline_seconds(const Ceilings& ceilings) const;
  double images_per_second() const { return static_cast<double>(batch) / step.median(); }
};

// Times a NetStep, captured once and replayed where the backend can and `capture` asks for it. Throws InputError when the
// net cannot be planned, Error when the loss after the last step is not finite.
NetTiming time_net(const Model& model, Backend& backend, const PlanOptions& planned, const TimingOptions& options,
                   bool capture);

}  // namespace fovea::cli
