// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>

#include "core/tolerance/uncertain.h"

namespace fovea {

// Lets a device go on with the truth's decisions where its own may differ from them: an element of `actual` that lies
// on the other side of 0 than the truth's (what a ReLU decides by), and a saved integer that is another (a pooling's
// winner), becomes the truth's when it is within the tolerance. True when anything changed. docs/numerics.md says why.
bool follow_decisions(Tensor& actual, const Uncertain& truth);

}  // namespace fovea
