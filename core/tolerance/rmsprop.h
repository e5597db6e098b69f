// SPDX-License-Identifier: Apache-2.0
//
// Float32 error bound of one step of RMSProp (docs/numerics.md).
#pragma once
#include "core/ops/rmsprop.h"
#include "core/tolerance/uncertain.h"

namespace fovea {

// What stands before the step; of the `new_` ones, which stand after it, the tolerances are filled.
void rmsprop_tolerance(const RmspropOptions& options, const Uncertain& w, const Uncertain& g, const Uncertain& v,
                       const Uncertain& b, Uncertain& new_w, Uncertain& new_v, Uncertain& new_b);

}  // namespace fovea
