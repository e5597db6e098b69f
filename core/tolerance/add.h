// SPDX-License-Identifier: Apache-2.0
//
// Float32 error bound of add (docs/numerics.md).
#pragma once
#include "core/graph/layer.h"

namespace fovea {

// The tolerance of y = a + b; the executor's accumulation of gradients is the same operation.
Tensor add_tolerance(const Uncertain& a, const Uncertain& b, const Tensor& y);

void add_forward_tolerance(ForwardToleranceArgs& args);
void add_backward_tolerance(BackwardToleranceArgs& args);

}  // namespace fovea
