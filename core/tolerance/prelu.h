// SPDX-License-Identifier: Apache-2.0
//
// Float32 error bound of prelu (docs/numerics.md). Which side of 0 an input is on is a decision, as in relu. inputs {x},
// parameters {slope}.
#pragma once
#include "core/graph/layer.h"

namespace fovea {

void prelu_forward_tolerance(ForwardToleranceArgs& args);
void prelu_backward_tolerance(BackwardToleranceArgs& args);

}  // namespace fovea
