// SPDX-License-Identifier: Apache-2.0
#include "core/tolerance/bounded.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/tolerance/bound.h"

namespace fovea {
namespace {

Bounded rounded(double value, double tolerance) {
  return {value, tolerance + operation_bound * std::abs(value) + smallest_normal};
}

}  // namespace

Bounded bounded_at(const Uncertain& tensor, std::int64_t i) {
  return {values(tensor.value)[static_cast<std::size_t>(i)], tolerance_at(tensor, i)};
}

Bounded operator+(Bounded a, Bounded b) { return rounded(a.value + b.value, a.tolerance + b.tolerance); }
Bounded operator-(Bounded a, Bounded b) { return rounded(a.value - b.value, a.tolerance + b.tolerance); }

Bounded operator*(Bounded a, Bounded b) {
  return rounded(a.value * b.value,
                 std::abs(a.value) * b.tolerance + std::abs(b.value) * a.tolerance + a.tolerance * b.tolerance);
}

Bounded operator/(Bounded a, Bounded b) {
  const double nearest_zero = std::abs(b.value) - b.tolerance;
  if (nearest_zero <= 0) return {a.value / b.value, std::numeric_limits<double>::infinity()};
  const double quotient = a.value / b.value;
  return rounded(quotient, (a.tolerance + std::abs(quotient) * b.tolerance) / nearest_zero);
}

// sqrt(v) - sqrt(v - t) = t / (sqrt(v) + sqrt(v - t)), the larger of the two sides.
Bounded root(Bounded a) {
  const double value = std::sqrt(a.value), low = std::sqrt(std::max(a.value - a.tolerance, 0.0));
  return rounded(value, a.tolerance == 0 ? 0 : a.tolerance / (value + low));
}

Bounded operator*(double factor, Bounded a) { return rounded(factor * a.value, std::abs(factor) * a.tolerance); }

Bounded mixed(Bounded from, Bounded to, double rest) {
  const double part = rest * (to.value - from.value);  // rounded as a difference and as a product
  return rounded(from.value + part, std::abs(1 - rest) * from.tolerance + std::abs(rest) * to.tolerance +
                                        2 * operation_bound * std::abs(part) + smallest_normal);
}

}  // namespace fovea
