// SPDX-License-Identifier: Apache-2.0
//
// Exponential moving average of weights, on a flat arena:
//
//   a = a + (1 - decay) * (w - a)          which is decay * a + (1 - decay) * w
//
// a, w: f32, the same number of elements; halt: halt.h. 1 - decay is computed in double and rounded once; float arithmetic
// in the order written, each operation rounded by itself. In this form weights that stand still are their own average;
// with the two rounded factors of the other form the average of a constant is off by up to 2^-25 / (1 - decay).
#pragma once
#include "core/ops/halt.h"

namespace fovea {

class AverageOps {
 public:
  virtual ~AverageOps() = default;
  virtual void average_step(double decay, View a, ConstView w, ConstView halt) = 0;
};

}  // namespace fovea
