// SPDX-License-Identifier: Apache-2.0
//
// The engine "auto": which of a device's engines computes each layer, forward and backward, is found out by measuring.
//
// Layer by layer, the net is planned with each pair of engines, one for forward and one for backward, all other layers
// being as the device has them by itself. Steps that all of these plans have in common cost the same whatever is
// chosen; the others are timed: the layer's own, a ReLU that only one engine applies on the way, and the conversions of
// an engine that wants its images otherwise, with the neighbours that then lie otherwise too. The pair with the
// smallest sum wins, the device's own engines among equals. So an engine pays for all its conversions, also where the
// layer behind, had it gone along, would have saved one: that may leave something to be gained.
//
// An engine that refuses a layer in a plan, for its type, its shape or its layouts, is not chosen; the table says why.
// All engines that may be chosen are deterministic.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "core/executor/plan.h"
#include "core/tuning/engine_times.h"

namespace fovea {

struct EngineTime {
  std::string engine;
  // Of the steps in that direction that depend on the choice, in the best pair with this engine; nullopt where the
  // engine refuses, where it was not measured, and where all others refuse, so that there is nothing to measure.
  std::optional<double> seconds;
  std::string refusal;  // why
};

// A layer in one direction for which the device has more than one engine.
struct EngineRow {
  std::string layer;
  Direction direction = Direction::forward;
  std::string op, engine;         // the choice
  std::vector<EngineTime> times;  // of each engine that has the operation
};

struct EngineTable {
  std::vector<EngineRow> rows;               // layer by layer in the order of the net, forward first
  std::size_t measured = 0, remembered = 0;  // steps whose times are new, and were known
  std::vector<std::string> unmeasured = {};  // layers left to the device's own engine: may_measure was false

  EnginePicks picks() const;
};

// Chooses for every layer of the first of `plans`, and has the backend's plans take the choice from now on
// (Backend::pick_engines). With the others it must be possible too: smaller batches, evaluations. Times that `times`
// does not know are measured and added to it; not saved. Where `may_measure` is false, as on a device that only counts,
// layers that would have to be measured keep the device's own engine. Nothing is done, and the table is empty, on a
// device that has nothing to choose (Backend::measured_engines). Throws InputError when the net cannot be planned at
// all, DeviceError when a step has no memory to run in; then the picks are those of before.
EngineTable choose_engines(const Graph& graph, Backend& backend, const std::vector<PlanOptions>& plans,
                           EngineTimes& times, bool may_measure = true);

}  // namespace fovea
