// SPDX-License-Identifier: Apache-2.0
//
// Distances between all rows of two matrices: what k-nearest-neighbour asks for.
//
//   a [M, D], b [N, D], y [M, N]:    l1   y[m,n] = sum over d of |a[m,d] - b[n,d]|
//                                    l2   y[m,n] = sqrt(sum over d of (a[m,d] - b[n,d])^2)
#pragma once
#include <array>
#include <string_view>
#include <utility>

#include "core/tensor/tensor.h"

namespace fovea {

enum class DistanceNorm { l1, l2 };
inline constexpr std::array<std::pair<DistanceNorm, std::string_view>, 2> distance_norm_names{
    {{DistanceNorm::l1, "l1"}, {DistanceNorm::l2, "l2"}}};

class DistanceOps {
 public:
  virtual ~DistanceOps() = default;
  virtual void distance_forward(DistanceNorm norm, ConstView a, ConstView b, View y) = 0;
};

}  // namespace fovea
