// SPDX-License-Identifier: Apache-2.0
//
// RMSProp, not centred.
//
//   g' = g + weight_decay * w
//   v  = alpha * v + (1 - alpha) * (g' * g')
//   b  = momentum * b + g' / (sqrt(v) + epsilon)
//   w  = w - learning_rate * b
//
// w, g, v, b: the same number of elements. T is float or double, and so is every operation, one rounding each.
#pragma once
#include <cstdint>

#include "core/ops/rmsprop.h"

namespace fovea::reference {

template <class T>
void rmsprop_step(const RmspropOptions& options, std::int64_t elements, T* w, const T* g, T* v, T* b);

}  // namespace fovea::reference
