// SPDX-License-Identifier: Apache-2.0
//
// Float32 error bounds of adaptive average and maximum pooling (docs/numerics.md). inputs {x}, in backward too; the
// maximum saves {index}, which may be anything where another element may win as well.
#pragma once
#include "core/graph/layer.h"

namespace fovea {

void adaptive_avg_pool2d_forward_tolerance(ForwardToleranceArgs& args, const AdaptivePool2dOptions& options);
void adaptive_avg_pool2d_backward_tolerance(BackwardToleranceArgs& args, const AdaptivePool2dOptions& options);
void adaptive_max_pool2d_forward_tolerance(ForwardToleranceArgs& args, const AdaptivePool2dOptions& options);
void adaptive_max_pool2d_backward_tolerance(BackwardToleranceArgs& args, const AdaptivePool2dOptions& options);

}  // namespace fovea
