// SPDX-License-Identifier: Apache-2.0
#include "core/compare/measure.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/support/error.h"
#include "core/tolerance/bound.h"

namespace fovea {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

Tensor as_double(const Tensor& t) { return t.dtype() == DType::f64 ? t : t.converted(DType::f64); }

void require_equal_shapes(const Tensor& a, const Tensor& b) {
  require(a.shape() == b.shape(),
          [&] { return "compare: shapes differ: " + a.shape().to_string() + " and " + b.shape().to_string(); });
}

bool same_non_finite(double a, double b) { return (std::isnan(a) && std::isnan(b)) || a == b; }

}  // namespace

Deviation measure(const Tensor& actual, const Uncertain& truth) {
  require_equal_shapes(actual, truth.value);
  const Tensor actual64 = as_double(actual), truth64 = as_double(truth.value);
  const auto a = values(actual64), t = values(truth64);
  Deviation result;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const auto [expected, tolerance] =
        stored_truth(actual.dtype(), t[i], tolerance_at(truth, static_cast<std::int64_t>(i)));
    double ratio = 0;
    if (!std::isfinite(a[i]) || !std::isfinite(expected)) {
      ratio = same_non_finite(a[i], expected) ? 0 : infinity;
    } else if (const double error = std::abs(a[i] - expected); error > 0) {
      ratio = tolerance > 0 ? error / tolerance : infinity;  // a NaN tolerance allows nothing
    }
    if (ratio > result.worst_ratio) {
      result.worst_ratio = ratio;
      result.worst_index = static_cast<std::int64_t>(i);
    }
  }
  return result;
}

Difference difference(const Tensor& a, const Tensor& b) {
  require_equal_shapes(a, b);
  const Tensor a64 = as_double(a), b64 = as_double(b);
  const auto av = values(a64), bv = values(b64);
  Difference result;
  for (std::size_t i = 0; i < av.size(); ++i) {
    if (!std::isfinite(av[i]) || !std::isfinite(bv[i])) {
      if (!same_non_finite(av[i], bv[i])) result = {infinity, infinity};
      continue;
    }
    const double error = std::abs(av[i] - bv[i]);
    result.max_abs = std::max(result.max_abs, error);
    if (error > 0) result.max_rel = std::max(result.max_rel, error / std::max(std::abs(av[i]), std::abs(bv[i])));
  }
  return result;
}

}  // namespace fovea
