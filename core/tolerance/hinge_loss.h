// SPDX-License-Identifier: Apache-2.0
//
// Float32 error bound of hinge_loss (docs/numerics.md). inputs {scores, labels (i32)}, saved {losses}, output the mean
// loss [1]. Whether a class counts, h > 0, is a decision: within its tolerance it is undecided.
#pragma once
#include "core/graph/layer.h"

namespace fovea {

void hinge_loss_forward_tolerance(ForwardToleranceArgs& args, const HingeLossOptions& options);
void hinge_loss_backward_tolerance(BackwardToleranceArgs& args, const HingeLossOptions& options);

}  // namespace fovea
