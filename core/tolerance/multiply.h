// SPDX-License-Identifier: Apache-2.0
//
// Float32 error bound of multiply (docs/numerics.md).
#pragma once
#include "core/graph/layer.h"

namespace fovea {

void multiply_forward_tolerance(ForwardToleranceArgs& args);
void multiply_backward_tolerance(BackwardToleranceArgs& args);

}  // namespace fovea
