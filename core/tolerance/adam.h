// SPDX-License-Identifier: Apache-2.0
//
// Float32 error bound of one step of Adam or AdamW (docs/numerics.md).
#pragma once
#include "core/ops/adam.h"
#include "core/tolerance/uncertain.h"

namespace fovea {

// What stands before the step; of the `new_` ones, which stand after it, the tolerances are filled.
void adam_tolerance(const AdamOptions& options, const Uncertain& w, const Uncertain& g, const Uncertain& m,
                    const Uncertain& v, Uncertain& new_w, Uncertain& new_m, Uncertain& new_v);

}  // namespace fovea
