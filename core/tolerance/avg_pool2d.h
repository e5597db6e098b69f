// SPDX-License-Identifier: Apache-2.0
//
// Float32 error bound of avg_pool2d (docs/numerics.md).
#pragma once
#include "core/graph/layer.h"

namespace fovea {

void avg_pool2d_forward_tolerance(ForwardToleranceArgs& args, const AvgPool2dOptions& options);
void avg_pool2d_backward_tolerance(BackwardToleranceArgs& args, const AvgPool2dOptions& options);

}  // namespace fovea
