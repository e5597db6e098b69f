// SPDX-License-Identifier: Apache-2.0
#include "core/compare/decisions.h"

#include <cmath>
#include <limits>

#include "core/tolerance/bound.h"

namespace fovea {
namespace {

// On the truth's side of 0, where a float64 below float's range is not 0.
float on_the_same_side(double truth) {
  const auto rounded = static_cast<float>(truth);
  return truth > 0 && rounded == 0 ? std::numeric_limits<float>::min() : rounded;
}

}  // namespace

bool follow_decisions(Tensor& actual, const Uncertain& truth) {
  if (truth.tolerance.empty()) return false;
  Tensor exact = truth.value.dtype() == DType::f64 ? truth.value : truth.value.converted(DType::f64);
  const bool integers = actual.dtype() != DType::f32;
  Tensor own = actual.converted(DType::f64);
  const auto mine = own.span<double>();
  const auto right = values(exact), tolerance = values(truth.tolerance);
  bool changed = false;
  for (std::size_t i = 0; i < mine.size(); ++i) {
    const bool other = integers ? mine[i] != right[i] : (mine[i] > 0) != (right[i] > 0);
    if (!other || !(std::abs(mine[i] - right[i]) <= tolerance[i])) continue;
    mine[i] = integers ? right[i] : static_cast<double>(on_the_same_side(right[i]));
    changed = true;
  }
  if (changed) actual = own.converted(actual.dtype());
  return changed;
}

}  // namespace fovea
