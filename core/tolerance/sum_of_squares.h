// SPDX-License-Identifier: Apache-2.0
//
// Error bound of a sum of squares in double (docs/numerics.md).
#pragma once
#include "core/ops/sum_of_squares.h"
#include "core/tolerance/uncertain.h"

namespace fovea {

// Of `sum`, the sum of the squares of `x`, the tolerance is filled; it holds for any order of the additions.
void sum_of_squares_tolerance(const Uncertain& x, Uncertain& sum);

}  // namespace fovea
