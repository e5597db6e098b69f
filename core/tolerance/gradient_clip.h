// SPDX-License-Identifier: Apache-2.0
//
// Float32 error bound of a scaled gradient (docs/numerics.md). A clamped one is a copy or the limit: exact.
#pragma once
#include "core/ops/gradient_clip.h"
#include "core/tolerance/uncertain.h"

namespace fovea {

// `g` before the call; of `new_g`, after it, the tolerance is filled.
void gradient_scale_tolerance(double factor, const Uncertain& g, Uncertain& new_g);

}  // namespace fovea
