// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "core/executor/plan.h"

namespace fovea {

// The engine that computes the node's layer on values stored as `dtype`. Throws InputError naming the layer: the engine
// that it insists on lacks the operation; the engine computes it in float32 only.
EngineChoice choose_engine(Backend& backend, const Node& node, Direction direction, DType dtype);

}  // namespace fovea
