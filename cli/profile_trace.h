// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

#include "cli/profile_net.h"

namespace fovea::cli {

// Writes the last step that was measured as trace events, which chrome://tracing and ui.perfetto.dev show: one event for
// each step of the plan, named like its profiler range, within one for each direction. `title` names the process.
void write_trace(const std::string& path, const Profile& profile, const std::string& title);

}  // namespace fovea::cli
