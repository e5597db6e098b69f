// SPDX-License-Identifier: Apache-2.0
//
// For chains of operations that are no sums (docs/numerics.md): one number and how far a float32 computation of it may
// stray. Each operation passes on the errors of its operands, to first order and beyond, and adds its own rounding.
#pragma once
#include "core/tolerance/uncertain.h"

namespace fovea {

struct Bounded {
  double value = 0;
  double tolerance = 0;
};

// Element i of a tensor.
Bounded bounded_at(const Uncertain& tensor, std::int64_t i);

Bounded operator+(Bounded a, Bounded b);
Bounded operator-(Bounded a, Bounded b);
Bounded operator*(Bounded a, Bounded b);
// Infinite where the divisor may be 0.
Bounded operator/(Bounded a, Bounded b);
// Of a number that is at least 0.
Bounded root(Bounded a);
// A factor that is rounded to float once; its own rounding is within what a product is allowed.
Bounded operator*(double factor, Bounded a);
// from + rest * (to - from), with `from` counted once.
Bounded mixed(Bounded from, Bounded to, double rest);

}  // namespace fovea
