// SPDX-License-Identifier: Apache-2.0
//
// Float32 error bound of conv_transpose2d (docs/numerics.md): that of the convolution's other passes. inputs {x},
// parameters {w[, bias]}.
#pragma once
#include "core/graph/layer.h"
#include "core/ops/conv_transpose2d.h"

namespace fovea {

void conv_transpose2d_forward_tolerance(ForwardToleranceArgs& args, const ConvTranspose2dOptions& options);
void conv_transpose2d_backward_tolerance(BackwardToleranceArgs& args, const ConvTranspose2dOptions& options);

}  // namespace fovea
