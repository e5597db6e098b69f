// SPDX-License-Identifier: Apache-2.0
#include "core/tensor/dtype.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

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

TEST(F16, OverflowsToInfinity) {
  EXPECT_EQ(static_cast<float>(f16_t(65504.0f)), 65504.0f);
  EXPECT_EQ(static_cast<float>(f16_t(65519.99f)), 65504.0f);
  EXPECT_EQ(static_cast<float>(f16_t(65520.0f)), std::numeric_limits<float>::infinity());
  EXPECT_EQ(static_cast<float>(f16_t(-1e30f)), -std::numeric_limits<float>::infinity());
}

TEST(DType, SizesAndNames) {
  EXPECT_EQ(size_of(DType::u8), 1u);
  EXPECT_EQ(size_of(DType::bf16), 2u);
  EXPECT_EQ(size_of(DType::f32), 4u);
  EXPECT_EQ(size_of(DType::i64), 8u);
  EXPECT_EQ(name_of(DType::f16), "f16");
}

}  // namespace
}  // namespace fovea
