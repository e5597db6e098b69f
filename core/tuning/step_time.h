// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "core/executor/plan.h"

namespace fovea {

// Seconds that a step of a plan takes on the device, by its own clock (Backend::timer): on tensors of its own, of the
// plan's types, shapes and layouts, the step is called to warm up and then in several repeats, of which the median is
// taken. A repeat is as many calls as take a millisecond, so that a clock of coarse ticks serves too; what is told to
// the device meanwhile is in it. The tensors are gone when it returns. `plan` must have been made on `backend`.
double time_step(const Graph& graph, const ParameterLayout& parameters, const Plan& plan, const PlanStep& step,
                 Backend& backend);

}  // namespace fovea
