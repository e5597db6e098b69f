// SPDX-License-Identifier: Apache-2.0
//
// How many operations a step will execute, without executing them: its layer calls them on a dry device
// (core/backend/dry_backend.h), which counts and computes nothing.
#pragma once
#include <cstdint>
#include <vector>

#include "core/executor/plan.h"

namespace fovea {

// By step, as Backend::executed() counts them on the device itself. `plan` must have been made on `dry`.
std::vector<std::int64_t> count_launches(const Graph& graph, const ParameterLayout& parameters, const Plan& plan,
                                         Backend& dry);

// Of one update of all trained parameters by SGD with momentum, whether it writes a 16-bit copy of them or not.
std::int64_t count_sgd_launches(const ParameterLayout& parameters, Backend& dry);

}  // namespace fovea
