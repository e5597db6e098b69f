// SPDX-License-Identifier: Apache-2.0
//
// Adam and AdamW.
//
//   g' = decoupled ? g : g + weight_decay * w
//   m  = m + (1 - beta1) * (g' - m)
//   v  = beta2 * v + (1 - beta2) * (g' * g')
//   w  = keep * w - rate * (m / (sqrt(v) / root2 + epsilon))
//
// w, g, m, v: the same number of elements; the factors are explained in core/ops/adam.h. T is float or double, and so is
// every operation, one rounding each (adam.cpp is compiled without fused multiply-add).
#pragma once
#include <cstdint>

#include "core/ops/adam.h"

namespace fovea::reference {

template <class T>
void adam_step(const AdamOptions& options, std::int64_t elements, T* w, const T* g, T* m, T* v);

}  // namespace fovea::reference
