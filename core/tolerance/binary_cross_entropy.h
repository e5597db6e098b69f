// SPDX-License-Identifier: Apache-2.0
//
// Float32 error bound of binary_cross_entropy (docs/numerics.md). inputs {x, target}, saved {losses}, output the mean
// loss [1].
#pragma once
#include "core/graph/layer.h"

namespace fovea {

void binary_cross_entropy_forward_tolerance(ForwardToleranceArgs& args);
void binary_cross_entropy_backward_tolerance(BackwardToleranceArgs& args);

}  // namespace fovea
