// SPDX-License-Identifier: Apache-2.0
//
// Float32 error bound of distances between rows (docs/numerics.md).
#pragma once
#include "core/ops/distance.h"
#include "core/tolerance/uncertain.h"

namespace fovea {

// Of y = distance(a [M, D], b [N, D]); a and b are float64 and exact.
Tensor distance_tolerance(DistanceNorm norm, const Tensor& a, const Tensor& b, const Tensor& y);

}  // namespace fovea
