// SPDX-License-Identifier: Apache-2.0
//
// Float32 error bound of the activations (docs/numerics.md). An input's tolerance is carried on by the range that the
// derivative has within it. leaky_relu and elu, unless their alpha is 1, decide on which side of 0 an input is.
#pragma once
#include "core/graph/layer.h"

namespace fovea {

void activation_forward_tolerance(ForwardToleranceArgs& args, const ActivationOptions& options);
void activation_backward_tolerance(BackwardToleranceArgs& args, const ActivationOptions& options);

}  // namespace fovea
