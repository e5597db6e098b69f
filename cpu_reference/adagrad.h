// SPDX-License-Identifier: Apache-2.0
//
// AdaGrad.
//
//   g' = g + weight_decay * w
//   v  = v + g' * g'
//   w  = w - learning_rate * (g' / (sqrt(v) + epsilon))
//
// w, g, v: the same number of elements. T is float or double, and so is every operation, one rounding each.
#pragma once
#include <cstdint>

#include "core/ops/adagrad.h"

namespace fovea::reference {

template <class T>
void adagrad_step(const AdagradOptions& options, std::int64_t elements, T* w, const T* g, T* v);

}  // namespace fovea::reference
