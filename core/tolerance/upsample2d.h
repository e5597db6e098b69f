// SPDX-License-Identifier: Apache-2.0
//
// Float32 error bound of upsample2d (docs/numerics.md): copies when nearest, sums of at most four weighted pixels when
// bilinear; the gradients are sums over the outputs that read a pixel.
#pragma once
#include "core/graph/layer.h"

namespace fovea {

void upsample2d_forward_tolerance(ForwardToleranceArgs& args, const Upsample2dOptions& options);
void upsample2d_backward_tolerance(BackwardToleranceArgs& args, const Upsample2dOptions& options);

}  // namespace fovea
