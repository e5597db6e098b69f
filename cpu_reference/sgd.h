// SPDX-License-Identifier: Apache-2.0
//
// Stochastic gradient descent with momentum.
//
//   g' = g + weight_decay * w
//   v  = momentum * v + g'
//   w  = w - learning_rate * (nesterov ? g' + momentum * v : v)
//
// w, g, v: the same number of elements; v starts at 0. T is float or double, and so is every operation, one rounding
// each: sgd.cpp is compiled without fused multiply-add, so that every device can give the very same bits.
#pragma once
#include <cstdint>

#include "core/ops/sgd.h"

namespace fovea::reference {

template <class T>
void sgd_step(const SgdOptions& options, std::int64_t elements, T* w, const T* g, T* v);

}  // namespace fovea::reference
