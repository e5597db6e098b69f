// SPDX-License-Identifier: Apache-2.0
//
// Float32 error bound of one step of AdaGrad (docs/numerics.md).
#pragma once
#include "core/ops/adagrad.h"
#include "core/tolerance/uncertain.h"

namespace fovea {

// What stands before the step; of the `new_` ones, which stand after it, the tolerances are filled.
void adagrad_tolerance(const AdagradOptions& options, const Uncertain& w, const Uncertain& g, const Uncertain& v,
                       Uncertain& new_w, Uncertain& new_v);

}  // namespace fovea
