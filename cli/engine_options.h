// SPDX-License-Identifier: Apache-2.0
//
// The engine "auto" on the command line: who computes which layer, measured or taken from a checkpoint, and the table.
#pragma once
#include <string>
#include <vector>

#include "cli/arguments.h"
#include "cli/output.h"
#include "core/train/checkpoint.h"
#include "core/tuning/choose_engines.h"

namespace fovea::cli {

struct EngineFlags {
  bool no_cache = false;
};
void declare(Arguments& arguments, EngineFlags& flags);

// All of these do nothing and return null on a device that measures nothing (Backend::measured_engines). Otherwise
// plans made on the backend take the engines from then on, and a list comes back for --json: "layer", "direction",
// "op", "engine", "microseconds" by engine.
//
// Chooses for the first of the plans by measuring (choose_engines) or by what was measured before, and prints the
// table. A dry device is never measured: layers without known times keep its own engine, which is said.
Json choose_engines(const Graph& graph, Backend& backend, const std::vector<PlanOptions>& plans,
                    const EngineFlags& flags, Output& out, bool dry = false);
// Of a checkpoint that was made with "auto" its engines, and else as above.
Json engines_of_checkpoint(const Checkpoint& checkpoint, const std::string& path, const Graph& graph, Backend& backend,
                           const std::vector<PlanOptions>& plans, const EngineFlags& flags, Output& out);

}  // namespace fovea::cli
