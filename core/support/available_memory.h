// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>
#include <string>

namespace fovea {

// The bytes that this process may still take from the host: MemAvailable of /proc/meminfo, and no more than what its
// control groups (version 1 or 2) and those around them leave. What they hold of files that nobody has looked at lately
// counts as free, since the kernel drops that first. Nothing where the system does not tell. `root` goes before every
// path, for tests.
std::optional<std::uint64_t> available_memory(const std::string& root = {});

}  // namespace fovea
