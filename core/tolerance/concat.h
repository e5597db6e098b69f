// SPDX-License-Identifier: Apache-2.0
//
// Float32 error bound of concat (docs/numerics.md): copies, which carry the tolerances of what they copy.
#pragma once
#include "core/graph/layer.h"

namespace fovea {

void concat_forward_tolerance(ForwardToleranceArgs& args, const ConcatOptions& options);
void concat_backward_tolerance(BackwardToleranceArgs& args, const ConcatOptions& options);

}  // namespace fovea
