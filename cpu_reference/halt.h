// SPDX-License-Identifier: Apache-2.0
//
// Whether a step is made: the first search of several that found something.
#pragma once
#include <cstdint>

#include "core/ops/halt.h"

namespace fovea::reference {

// What the halt is afterwards; found[i] is negative where search i found nothing.
inline std::int64_t halt_if_found(std::int64_t searches, const std::int64_t* found, std::int64_t halt) {
  for (std::int64_t i = 0; halt < 0 && i < searches; ++i)
    if (found[i] >= 0) halt = i;
  return halt;
}

}  // namespace fovea::reference
