// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "core/tensor/tensor.h"

namespace fovea {

// A float64 host tensor that is the truth, and how far a correct float32 computation of it may stray, element by
// element. An empty tolerance means exactly zero. Infinity means undecided: any value is correct (the gradient of a
// ReLU whose input may be on either side of 0 has |dy| instead, since it is either dy or 0).
struct Uncertain {
  Tensor value;
  Tensor tolerance;
};

}  // namespace fovea
