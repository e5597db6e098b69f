// SPDX-License-Identifier: Apache-2.0
//
// Float32 error bound of pad (docs/numerics.md): copies, which carry the tolerances of what they copy, and a frame of
// one float32 number.
#pragma once
#include "core/graph/layer.h"

namespace fovea {

void pad_forward_tolerance(ForwardToleranceArgs& args, const PadOptions& options);
void pad_backward_tolerance(BackwardToleranceArgs& args, const PadOptions& options);

}  // namespace fovea
