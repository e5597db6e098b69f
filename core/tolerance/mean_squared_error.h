// SPDX-License-Identifier: Apache-2.0
//
// Float32 error bound of mean_squared_error (docs/numerics.md). inputs {x, target}, saved {losses}, output the mean
// loss [1].
#pragma once
#include "core/graph/layer.h"

namespace fovea {

void mean_squared_error_forward_tolerance(ForwardToleranceArgs& args);
void mean_squared_error_backward_tolerance(BackwardToleranceArgs& args);

}  // namespace fovea
