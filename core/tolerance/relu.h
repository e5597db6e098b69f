// SPDX-License-Identifier: Apache-2.0
//
// Float32 error bound of relu (docs/numerics.md): it computes nothing, so its own error is 0; an input within its
// tolerance of 0 is an undecided decision, whose gradient is either dy or 0.
#pragma once
#include "core/graph/layer.h"

namespace fovea {

void relu_forward_tolerance(ForwardToleranceArgs& args);
void relu_backward_tolerance(BackwardToleranceArgs& args);

}  // namespace fovea
