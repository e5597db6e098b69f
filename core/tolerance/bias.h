// SPDX-License-Identifier: Apache-2.0
//
// Float32 error bound of the bias gradient, a sum over the batch and all positions (docs/numerics.md). The bias of the
// forward pass counts as one more product of its layer.
#pragma once
#include "core/graph/layer.h"

namespace fovea {

// Fills dbias.tolerance; does nothing when dbias.value is empty.
void bias_gradient_tolerance(Ops& exact, const Uncertain& dy, Uncertain& dbias);

}  // namespace fovea
