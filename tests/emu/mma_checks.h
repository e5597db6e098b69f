// SPDX-License-Identifier: Apache-2.0
//
// What the tests of the kernels on tensor cores share: data that the tensor cores take as it is, and the comparison with
// float64, exact or within the derived bound (docs/numerics.md).
#pragma once
#include <cmath>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "core/tolerance/bound.h"
#include "cuda/runtime/mma.cuh"
#include "tests/emu/emu_test.h"
#include "tests/support/fill.h"

namespace fovea::emu {

using Doubles = std::vector<double>;

template <class T>
std::vector<T> stored(const Doubles& values) {
  std::vector<T> result;
  for (const double v : values) result.push_back(static_cast<T>(static_cast<float>(v)));
  return result;
}
template <class T>
Doubles widened(const std::vector<T>& values) {
  return {values.begin(), values.end()};
}

inline Doubles squares(Doubles values) {
  for (double& v : values) v *= v;
  return values;
}

enum class Numbers { integers, reals };

// As T holds them; of float, as tf32 does where `as_tf32`.
template <class T>
Doubles drawn(std::int64_t count, const RandomStream& random, Numbers numbers, bool as_tf32) {
  // Integers up to 4 are exact in every type, and so is every partial sum in float.
  const Tensor data = numbers == Numbers::integers ? test::integers({count}, random, 4) : test::reals({count}, random);
  Doubles values;
  for (const float v : data.span<float>()) {
    if constexpr (std::is_same_v<T, float>) {
      values.push_back(as_tf32 ? __uint_as_float(to_tf32(v).bits) : v);
    } else {
      values.push_back(static_cast<float>(T(v)));
    }
  }
  return values;
}

template <class Stored>
void expect_exact(const Doubles& actual, const Doubles& truth) {
  ASSERT_EQ(actual.size(), truth.size());
  for (std::size_t i = 0; i < truth.size(); ++i) {
    ASSERT_EQ(actual[i], stored_truth(dtype_of<Stored>::value, truth[i], 0).value) << "element " << i;
  }
}
// `squares` are the sums of squared products; `input_rounding` the rest of an element's tolerance.
template <class Stored>
void expect_within(const Doubles& actual, const Doubles& truth, const Doubles& squares, std::int64_t products,
                   double (*input_rounding)(double squares) = nullptr) {
  ASSERT_EQ(actual.size(), truth.size());
  for (std::size_t i = 0; i < truth.size(); ++i) {
    const double more = input_rounding != nullptr ? input_rounding(squares[i]) : 0;
    const double tolerance = sum_tolerance(static_cast<double>(products), truth[i], squares[i]) + more;
    const StoredTruth right = stored_truth(dtype_of<Stored>::value, truth[i], tolerance);
    ASSERT_LE(std::abs(actual[i] - right.value), right.tolerance) << "element " << i;
  }
}

using StoredTypes = testing::Types<bf16_t, f16_t, float>;

}  // namespace fovea::emu
