// SPDX-License-Identifier: Apache-2.0
//
// Float32 error bounds of batch_norm (docs/numerics.md). inputs {x}, parameters {weight, bias}, state {running_mean,
// running_variance}; training saves {mean, inverse_deviation}. A channel whose inputs are less certain than they differ
// is undecided: any output is right.
#pragma once
#include "core/graph/layer.h"

namespace fovea {

void batch_norm_forward_tolerance(ForwardToleranceArgs& args, const BatchNormOptions& options);
void batch_norm_backward_tolerance(BackwardToleranceArgs& args, const BatchNormOptions& options);
// With the running statistics.
void batch_norm_inference_tolerance(ForwardToleranceArgs& args, const BatchNormOptions& options);
void batch_norm_inference_backward_tolerance(BackwardToleranceArgs& args, const BatchNormOptions& options);

}  // namespace fovea
