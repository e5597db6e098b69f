// SPDX-License-Identifier: Apache-2.0
//
// Test data. Integers make every sum exact in float32, whatever its order, so that a wrong index shows as a wrong bit;
// real numbers test the accumulation against the derived bound. Everything follows from the seed.
#pragma once
#include <cstdint>
#include <string_view>

#include "core/support/philox.h"
#include "core/tensor/tensor.h"

namespace fovea::test {

// A stream that depends on the case's name and on which of its tensors is filled.
RandomStream stream_for(std::string_view case_name, std::uint64_t tensor);

// Integers in [-range, range] of either sign, each kept with probability `density` and 0 otherwise.
Tensor integers(const Shape& shape, RandomStream random, int range, double density = 1);
// Uniform in [low, high).
Tensor reals(const Shape& shape, RandomStream random, float low = -1, float high = 1);

// The largest density of one operand for which sums of `products` products of integers up to `range_a` and `range_b`
// stay below 2^24, where float32 is exact (oneDNN's rule).
double exact_density(std::int64_t products, int range_a, int range_b);

}  // namespace fovea::test
