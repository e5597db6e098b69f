// SPDX-License-Identifier: Apache-2.0
//
// Float32 error bound of dropout (docs/numerics.md): one product where an element is kept. No decision can differ: all
// devices draw the same mask.
#pragma once
#include "core/graph/layer.h"

namespace fovea {

void dropout_forward_tolerance(ForwardToleranceArgs& args, const DropoutOptions& options);
void dropout_backward_tolerance(BackwardToleranceArgs& args, const DropoutOptions& options);

}  // namespace fovea
