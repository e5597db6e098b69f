// SPDX-License-Identifier: Apache-2.0
//
// Float32 error bound of one SGD step (docs/numerics.md).
#pragma once
#include "core/ops/sgd.h"
#include "core/tolerance/uncertain.h"

namespace fovea {

// `w`, `g`, `v` before the step; `new_w`, `new_v` after it, their tolerances are filled.
void sgd_tolerance(const SgdOptions& options, const Uncertain& w, const Uncertain& g, const Uncertain& v,
                   Uncertain& new_w, Uncertain& new_v);

}  // namespace fovea
