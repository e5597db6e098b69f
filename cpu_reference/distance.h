// SPDX-License-Identifier: Apache-2.0
//
// Distances between all rows of two matrices.
//
//   l1   y[m,n] = sum over d of |a[m,d] - b[n,d]|
//   l2   y[m,n] = sqrt(sum over d of (a[m,d] - b[n,d])^2)
//
// a [M,D], b [N,D], y [M,N]. T is float or double; sums in double.
#pragma once
#include <cmath>
#include <cstdint>

#include "core/ops/distance.h"
#include "core/support/parallel.h"

namespace fovea::reference {

template <class T>
void distance_forward(DistanceNorm norm, std::int64_t M, std::int64_t N, std::int64_t D, const T* a, const T* b, T* y) {
  parallel_for(M, [&](std::int64_t m) {
    for (std::int64_t n = 0; n < N; ++n) {
      double sum = 0;
      for (std::int64_t d = 0; d < D; ++d) {
        const double difference = static_cast<double>(a[m * D + d]) - b[n * D + d];
        sum += norm == DistanceNorm::l1 ? std::abs(difference) : difference * difference;
      }
      y[m * N + n] = static_cast<T>(norm == DistanceNorm::l1 ? sum : std::sqrt(sum));
    }
  });
}

}  // namespace fovea::reference
