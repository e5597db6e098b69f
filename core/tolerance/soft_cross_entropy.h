// SPDX-License-Identifier: Apache-2.0
//
// Float32 error bound of soft_cross_entropy (docs/numerics.md). inputs {logits, targets}, saved {probabilities, losses},
// state {class_weights} or none, output the mean loss [1].
#pragma once
#include "core/graph/layer.h"

namespace fovea {

void soft_cross_entropy_forward_tolerance(ForwardToleranceArgs& args, const SoftmaxCrossEntropyOptions& options);
void soft_cross_entropy_backward_tolerance(BackwardToleranceArgs& args, const SoftmaxCrossEntropyOptions& options);

}  // namespace fovea
