// SPDX-License-Identifier: Apache-2.0
//
// Runtime counts as tests compare them: in words, so that a failure says which count it is.
#pragma once
#include <string>

#include "core/backend/runtime_counts.h"

namespace fovea::test {

inline std::string text(const RuntimeCounts& c) {
  const auto part = [](std::uint64_t count, const char* what) { return std::to_string(count) + " " + what + ", "; };
  return part(c.launches, "launches") + part(c.allocations, "allocations") + part(c.frees, "frees") +
         part(c.synchronisations, "synchronisations") + part(c.copies_from_host, "copies from the host") +
         part(c.copies_to_host, "to the host") + part(c.copies_on_device, "on the device") + part(c.fills, "fills") +
         part(c.replays, "replays");
}

}  // namespace fovea::test
