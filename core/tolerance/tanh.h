// SPDX-License-Identifier: Apache-2.0
//
// Float32 error bound of tanh (docs/numerics.md).
#pragma once
#include "core/graph/layer.h"

namespace fovea {

void tanh_forward_tolerance(ForwardToleranceArgs& args);
void tanh_backward_tolerance(BackwardToleranceArgs& args);

}  // namespace fovea
