// SPDX-License-Identifier: Apache-2.0
//
// Float32 error bound of log_softmax (docs/numerics.md).
#pragma once
#include "core/graph/layer.h"

namespace fovea {

void log_softmax_forward_tolerance(ForwardToleranceArgs& args);
void log_softmax_backward_tolerance(BackwardToleranceArgs& args);

}  // namespace fovea
