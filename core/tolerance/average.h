// SPDX-License-Identifier: Apache-2.0
//
// Float32 error bound of one step of a moving average (docs/numerics.md).
#pragma once
#include "core/ops/average.h"
#include "core/tolerance/uncertain.h"

namespace fovea {

// `a` before the step; of `new_a`, after it, the tolerance is filled.
void average_tolerance(double decay, const Uncertain& a, const Uncertain& w, Uncertain& new_a);

}  // namespace fovea
