// SPDX-License-Identifier: Apache-2.0
//
// Float32 error bound of linear (docs/numerics.md). inputs {x}, parameters {w[, bias]}.
#pragma once
#include "core/graph/layer.h"

namespace fovea {

void linear_forward_tolerance(ForwardToleranceArgs& args, const LinearOptions& options);
void linear_backward_tolerance(BackwardToleranceArgs& args, const LinearOptions& options);

}  // namespace fovea
