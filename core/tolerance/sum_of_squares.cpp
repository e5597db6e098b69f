// SPDX-License-Identifier: Apache-2.0
#include "core/tolerance/sum_of_squares.h"

#include <cmath>

#include "core/tolerance/bound.h"

namespace fovea {

void sum_of_squares_tolerance(const Uncertain& x, Uncertain& sum) {
  constexpr double unit_roundoff_double = 0x1p-53;
  const double count = static_cast<double>(x.value.elements()), total = values(sum.value)[0];
  // No term is negative, so no partial sum exceeds the total and count - 1 roundings are a guaranteed bound. The truth
  // was added up in double too and may be as far off.
  double tolerance = 2 * (count - 1) * unit_roundoff_double * total;
  for (std::int64_t i = 0; i < x.value.elements(); ++i) {
    const double value = values(x.value)[static_cast<std::size_t>(i)], error = tolerance_at(x, i);
    tolerance += (2 * std::abs(value) + error) * error;
  }
  sum.tolerance = make_tolerance(sum.value);
  sum.tolerance.span<double>()[0] = tolerance;
}

}  // namespace fovea
