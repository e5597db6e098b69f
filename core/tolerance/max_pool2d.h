// SPDX-License-Identifier: Apache-2.0
//
// Float32 error bound of max_pool2d (docs/numerics.md). inputs {x} (in backward too), saved {index}. A window where
// another element may win as well is undecided: its saved index may be anything, and each possible winner's gradient
// may or may not hold dy.
#pragma once
#include "core/graph/layer.h"

namespace fovea {

void max_pool2d_forward_tolerance(ForwardToleranceArgs& args, const MaxPool2dOptions& options);
void max_pool2d_backward_tolerance(BackwardToleranceArgs& args, const MaxPool2dOptions& options);

}  // namespace fovea
