// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>

#include "core/executor/plan.h"

namespace fovea::cli {

// The bytes that a plan's steps read and write when nothing stays in a cache between two steps: each step reads every
// buffer, parameter and state that it is given once and writes every one that it produces once; a workspace is written
// and read. The seed of the backward pass counts as written. Without the optimizer.
std::int64_t bytes_of(const Plan& plan, const ParameterLayout& layout);
// One step's part of them.
std::int64_t bytes_of(const Plan& plan, const ParameterLayout& layout, const PlanStep& step);

// SGD with momentum reads weight, gradient and momentum and writes weight, momentum and, with PlanOptions::kept_copies, the
// weight in 16 bits.
std::int64_t bytes_of_sgd(const ParameterLayout& layout, const PlanOptions& options);

}  // namespace fovea::cli
