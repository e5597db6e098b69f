// SPDX-License-Identifier: Apache-2.0
#include "cli/runtime_json.h"

#include <nlohmann/json.hpp>

namespace fovea::cli {

Json runtime_json(const std::optional<RuntimeCounts>& counts) {
  if (!counts) return nullptr;
  return {{"allocations", counts->allocations},
          {"frees", counts->frees},
          {"synchronisations", counts->synchronisations},
          {"copies_from_host", counts->copies_from_host},
          {"copies_to_host", counts->copies_to_host},
          {"copies_on_device", counts->copies_on_device},
          {"fills", counts->fills}};
}

}  // namespace fovea::cli
