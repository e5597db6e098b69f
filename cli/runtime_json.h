// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>

#include "cli/output.h"
#include "core/backend/runtime_counts.h"

namespace fovea::cli {

// The counts by name, without the launches, which commands have under names of their own; null without counts.
Json runtime_json(const std::optional<RuntimeCounts>& counts);

}  // namespace fovea::cli
