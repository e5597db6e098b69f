// SPDX-License-Identifier: Apache-2.0
#include "core/tensor/dtype.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <type_traits>

#include "core/support/philox.h"

namespace fovea {
namespace {

// All 65,536 patterns survive a trip through float; NaN stays NaN.
template <class T>
void round_trip_every_pattern() {
  for (std::uint32_t pattern = 0; pattern < 65536; ++pattern) {
    T value;
    value.bits = static_cast<std::uint16_t>(pattern);
    const float f = value;
    if (std::isnan(f)) {
      EXPECT_TRUE(std::isnan(static_cast<float>(T(f)))) << pattern;
    } else {
      ASSERT_EQ(T(f).bits, value.bits) << pattern;
    }
  }
}
TEST(Bf16, EveryPatternSurvives) { round_trip_every_pattern<bf16_t>(); }
TEST(F16, EveryPatternSurvives) { round_trip_every_pattern<f16_t>(); }

// Between two neighbours a value goes to the nearer, half way to the even one.
template <class T>
void rounds_to_nearest_even() {
  for (std::uint32_t pattern = 0; pattern < 0x7BFF; ++pattern) {
    T low, high;
    low.bits = static_cast<std::uint16_t>(pattern);
    high.bits = static_cast<std::uint16_t>(pattern + 1);
    const float a = low, b = high;
    if (!std::isfinite(a) || !std::isfinite(b)) continue;
    const float middle = static_cast<float>((static_cast<double>(a) + b) / 2);
    ASSERT_EQ(T(middle).bits, pattern % 2 == 0 ? low.bits : high.bits) << pattern;
    ASSERT_EQ(T(std::nextafter(middle, a)).bits, low.bits) << pattern;
    ASSERT_EQ(T(std::nextafter(middle, b)).bits, high.bits) << pattern;
  }
}
TEST(Bf16, RoundsToNearestEven) { rounds_to_nearest_even<bf16_t>(); }
TEST(F16, RoundsToNearestEven) { rounds_to_nearest_even<f16_t>(); }

// The nearest number of the type by exhaustion, in double; of two equally near ones the one with the even pattern. What
// lies beyond the largest by half a step or more is infinite. Positive patterns ascend with their values.
template <class T>
std::uint16_t nearest_pattern(double magnitude, std::uint16_t infinity) {
  const auto value = [&](std::uint32_t pattern) {
    T t;
    t.bits = static_cast<std::uint16_t>(pattern);
    // The step beyond the largest number, as if the exponents went on.
    const double step = std::ldexp(1.0, std::is_same_v<T, bf16_t> ? 120 : 5);
    if (pattern != infinity) return static_cast<double>(static_cast<float>(t));
    t.bits = static_cast<std::uint16_t>(infinity - 1);
    return static_cast<double>(static_cast<float>(t)) + step;
  };
  std::uint32_t low = 0, high = infinity;  // value(low) <= magnitude, or low is 0
  if (magnitude >= value(infinity)) return infinity;
  while (high - low > 1) (value((low + high) / 2) <= magnitude ? low : high) = (low + high) / 2;
  const double below = magnitude - value(low), above = value(high) - magnitude;
  if (below != above) return static_cast<std::uint16_t>(below < above ? low : high);
  return static_cast<std::uint16_t>(low % 2 == 0 ? low : high);
}

// All halves of the range of exponents, random significands, from float and from double.
template <class T>
void agrees_with_exhaustion(std::uint16_t infinity) {
  RandomStream random(7, RandomPurpose::test, 0);
  for (int i = 0; i < 200000; ++i) {
    const double significand = 1 + random.next_u32() * 0x1p-32 + random.next_u32() * 0x1p-53;
    const double magnitude = std::ldexp(significand, static_cast<int>(random.below(300)) - 155);
    const double value = random.below(2) == 0 ? magnitude : -magnitude;
    const std::uint16_t sign = value < 0 ? 0x8000 : 0;
    ASSERT_EQ(T(value).bits, sign | nearest_pattern<T>(magnitude, infinity)) << value;
    const float single = static_cast<float>(value);
    if (!std::isfinite(single)) continue;
    const auto expected = nearest_pattern<T>(std::abs(static_cast<double>(single)), infinity);
    ASSERT_EQ(T(single).bits, sign | expected) << single;
  }
}
TEST(Bf16, AgreesWithExhaustion) { agrees_with_exhaustion<bf16_t>(0x7F80); }
TEST(F16, AgreesWithExhaustion) { agrees_with_exhaustion<f16_t>(0x7C00); }

// A little more than half way between two numbers, by less than float holds: rounding to float first would fall on the
// tie and go to the even neighbour.
template <class T>
void rounds_a_double_once(double odd_step) {
  const double half = 1 + odd_step / 2;  // half way from 1, whose pattern is even, to the next
  EXPECT_EQ(static_cast<float>(T(half)), 1.0f);
  EXPECT_EQ(static_cast<float>(T(half + 0x1p-40)), 1.0f + static_cast<float>(odd_step));
  EXPECT_EQ(static_cast<float>(T(-half - 0x1p-40)), -1.0f - static_cast<float>(odd_step));
  EXPECT_EQ(static_cast<float>(T(static_cast<float>(half + 0x1p-40))), 1.0f) << "through float it is the tie";
  EXPECT_EQ(T(1e300).bits, T(std::numeric_limits<float>::infinity()).bits);
  EXPECT_EQ(T(-1e-300).bits, 0x8000);
  EXPECT_TRUE(std::isnan(static_cast<float>(T(std::numeric_limits<double>::quiet_NaN()))));
}
TEST(Bf16, RoundsADoubleOnce) { rounds_a_double_once<bf16_t>(0x1p-7); }
TEST(F16, RoundsADoubleOnce) { rounds_a_double_once<f16_t>(0x1p-10); }

// Every NaN of float stays one, whatever its payload, and keeps its sign.
template <class T>
void nan_stays_nan() {
  for (const std::uint32_t payload : {0x1u, 0x2000u, 0x8000u, 0x10000u, 0x3FFFFFu, 0x400000u, 0x7FFFFFu})
    for (const std::uint32_t sign : {0u, 0x80000000u}) {
      const T stored(std::bit_cast<float>(sign | 0x7F800000u | payload));
      EXPECT_TRUE(std::isnan(static_cast<float>(stored))) << payload;
      EXPECT_EQ(stored.bits >> 15, sign >> 31);
    }
}
TEST(Bf16, NaNStaysNaN) { nan_stays_nan<bf16_t>(); }
TEST(F16, NaNStaysNaN) { nan_stays_nan<f16_t>(); }

TEST(Bf16, OverflowsToInfinity) {
  EXPECT_EQ(static_cast<float>(bf16_t(0x1.FEp127f)), 0x1.FEp127f);
  EXPECT_EQ(static_cast<float>(bf16_t(0x1.FEFFFEp127f)), 0x1.FEp127f);
  EXPECT_EQ(static_cast<float>(bf16_t(0x1.FFp127f)), std::numeric_limits<float>::infinity());
  EXPECT_EQ(static_cast<float>(bf16_t(-std::numeric_limits<float>::max())), -std::numeric_limits<float>::infinity());
}

TEST(F16, OverflowsToInfinity) {
  EXPECT_EQ(static_cast<float>(f16_t(65504.0f)), 65504.0f);
  EXPECT_EQ(static_cast<float>(f16_t(65519.99f)), 65504.0f);
  EXPECT_EQ(static_cast<float>(f16_t(65520.0f)), std::numeric_limits<float>::infinity());
  EXPECT_EQ(static_cast<float>(f16_t(-1e30f)), -std::numeric_limits<float>::infinity());
}

// Both conversions are constant expressions, so no library function and no rounding mode can come between.
static_assert(static_cast<float>(bf16_t(0.1f)) == 0x1.9Ap-4f && static_cast<float>(f16_t(0.1f)) == 0x1.998p-4f);
static_assert(bf16_t(1.0 / 3).bits == 0x3EAB && f16_t(1.0 / 3).bits == 0x3555);
static_assert(f16_t(0x1p-24f).bits == 1 && f16_t(0x1p-25f).bits == 0 && f16_t(0x1.8p-24f).bits == 2);

TEST(DType, SizesAndNames) {
  EXPECT_EQ(size_of(DType::u8), 1u);
  EXPECT_EQ(size_of(DType::bf16), 2u);
  EXPECT_EQ(size_of(DType::f32), 4u);
  EXPECT_EQ(size_of(DType::i64), 8u);
  EXPECT_EQ(name_of(DType::f16), "f16");
}

}  // namespace
}  // namespace fovea
