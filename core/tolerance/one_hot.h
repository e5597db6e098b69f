// SPDX-License-Identifier: Apache-2.0
//
// Float32 error bound of one_hot (docs/numerics.md): none. Labels are certain, and on and off are float32 numbers.
#pragma once
#include "core/graph/layer.h"

namespace fovea {

inline void one_hot_forward_tolerance(ForwardToleranceArgs& args) { args.output.tolerance = {}; }

}  // namespace fovea
