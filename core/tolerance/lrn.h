// SPDX-License-Identifier: Apache-2.0
//
// Float32 error bound of lrn (docs/numerics.md). inputs {x}, saved {scale}.
#pragma once
#include "core/graph/layer.h"

namespace fovea {

void lrn_forward_tolerance(ForwardToleranceArgs& args, const LrnOptions& options);
void lrn_backward_tolerance(BackwardToleranceArgs& args, const LrnOptions& options);

}  // namespace fovea
