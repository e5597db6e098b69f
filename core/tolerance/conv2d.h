// SPDX-License-Identifier: Apache-2.0
//
// Float32 error bound of conv2d (docs/numerics.md). inputs {x}, parameters {w[, bias]}.
#pragma once
#include "core/graph/layer.h"

namespace fovea {

void conv2d_forward_tolerance(ForwardToleranceArgs& args, const Conv2dOptions& options);
void conv2d_backward_tolerance(BackwardToleranceArgs& args, const Conv2dOptions& options);

}  // namespace fovea
