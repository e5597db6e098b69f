// SPDX-License-Identifier: Apache-2.0
#include "core/tolerance/distance.h"

#include <algorithm>
#include <cmath>

#include "core/tolerance/bound.h"

namespace fovea {

Tensor distance_tolerance(DistanceNorm norm, const Tensor& a, const Tensor& b, const Tensor& y) {
  const std::int64_t M = a.shape()[0], N = b.shape()[0], D = a.shape()[1];
  const bool squared = norm == DistanceNorm::l2;
  Tensor result = make_tolerance(y);
  for (std::int64_t m = 0; m < M; ++m)
    for (std::int64_t n = 0; n < N; ++n) {
      double sum = 0, squares = 0;
      for (std::int64_t d = 0; d < D; ++d) {
        const double difference =
            values(a)[static_cast<std::size_t>(m * D + d)] - values(b)[static_cast<std::size_t>(n * D + d)];
        const double term = squared ? difference * difference : std::abs(difference);
        sum += term;
        squares += term * term;
      }
      // Each difference is rounded, which its square doubles; all of them are independent.
      const double of_terms = (squared ? 2 : 1) * operation_bound * std::sqrt(squares);
      const double of_sum = std::hypot(sum_tolerance(static_cast<double>(D), sum, squares), of_terms);
      double& out = result.span<double>()[static_cast<std::size_t>(m * N + n)];
      out = of_sum;
      if (!squared || sum == 0) continue;
      // sqrt(s) - sqrt(s - t) = t / (sqrt(s) + sqrt(s - t)), the larger of the two sides; and the root's own rounding.
      const double root = std::sqrt(sum);
      out = of_sum / (root + std::sqrt(std::max(sum - of_sum, 0.0))) + operation_bound * root;
    }
  return result;
}

}  // namespace fovea
