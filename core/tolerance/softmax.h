// SPDX-License-Identifier: Apache-2.0
//
// Float32 error bound of softmax (docs/numerics.md).
#pragma once
#include <vector>

#include "core/graph/layer.h"

namespace fovea {

// One row of softmax in float64, with the bounds of its parts.
struct SoftmaxRow {
  double maximum = 0;
  double sum = 0;                  // z
  double sum_tolerance = 0;        // of z, own
  std::vector<double> own;         // of each output, own
  std::vector<double> propagated;  // of each output, from the inputs' tolerances
  double widest = 0;               // largest input tolerance
};
SoftmaxRow softmax_row(const Uncertain& x, std::int64_t row);

void softmax_forward_tolerance(ForwardToleranceArgs& args);
void softmax_backward_tolerance(BackwardToleranceArgs& args);

}  // namespace fovea
