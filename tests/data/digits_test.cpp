// SPDX-License-Identifier: Apache-2.0
#include "core/data/digits.h"

#include <zlib.h>

#include <cmath>

#include "core/data/digit_strokes.h"
#include "core/support/parallel.h"
#include "tests/data/files.h"

namespace fovea {
namespace {

using test::Bytes;

constexpr std::size_t pixels_per_digit = 784;

TEST(Digits, HasItsSplits) {
  const DataSplits splits = open_data("digits");
  EXPECT_EQ(splits.spec, "digits");
  EXPECT_EQ(splits.train->size(), 20000);
  EXPECT_EQ(splits.test->size(), 4000);
  EXPECT_EQ(splits.train->sample_shape(), (Shape{1, 28, 28}));
  EXPECT_EQ(splits.train->class_names(), splits.test->class_names());
  EXPECT_EQ(splits.train->classes(), 10);
  std::vector<int> count(10);
  Bytes pixels(pixels_per_digit), alone(pixels_per_digit);
  for (std::int64_t i = 0; i < splits.train->size(); ++i) {
    ++count[static_cast<std::size_t>(splits.train->read(i, pixels))];
  }
  EXPECT_EQ(count, std::vector<int>(10, 2000));
  // A sample is what its index says, whoever drew the others.
  for (const std::int64_t i : {0, 7, 3999}) {
    EXPECT_EQ(splits.test->read(i, pixels), draw_digit(DigitSplit::test, i, alone));
    EXPECT_EQ(pixels, alone);
    draw_digit(DigitSplit::train, i, alone);
    EXPECT_NE(pixels, alone);
  }
}

TEST(Digits, DoNotDependOnTheThreadCount) {
  const auto draw_all = [](int threads) {
    set_thread_count(threads);
    const DataSplits splits = open_digits();
    set_thread_count(0);
    uLong sum = crc32(0, nullptr, 0);
    Bytes pixels(pixels_per_digit);
    for (std::int64_t i = 0; i < splits.train->size(); ++i) {
      splits.train->read(i, pixels);
      sum = crc32(sum, pixels.data(), static_cast<uInt>(pixels.size()));
    }
    return sum;
  };
  EXPECT_EQ(draw_all(1), draw_all(3));
}

// As MNIST's: a dark ground, a digit of about 20 pixels with its centre of mass at pixel (14, 14).
TEST(Digits, LookLikeMnist) {
  double ink = 0, ground = 0, far_off = 0;
  Bytes pixels(pixels_per_digit);
  constexpr int samples = 2000;
  for (int i = 0; i < samples; ++i) {
    draw_digit(DigitSplit::train, i, pixels);
    double mass = 0, x = 0, y = 0;
    int top = 28, bottom = -1, left = 28, right = -1;
    for (int p = 0; p < 784; ++p) {
      const double value = pixels[static_cast<std::size_t>(p)];
      mass += value;
      x += value * (p % 28);
      y += value * (p / 28);
      ground += value < 32;
      if (value < 128) continue;
      top = std::min(top, p / 28);
      bottom = std::max(bottom, p / 28);
      left = std::min(left, p % 28);
      right = std::max(right, p % 28);
    }
    ink += mass / 255.0 / 784.0;
    const int longer = std::max(bottom - top, right - left) + 1;
    EXPECT_GE(longer, 14) << i;
    far_off += std::abs(x / mass - 14) > 3 || std::abs(y / mass - 14) > 3;
  }
  EXPECT_GT(ink / samples, 0.10);  // MNIST: 0.131
  EXPECT_LT(ink / samples, 0.16);
  EXPECT_GT(ground / samples, 0.70 * 784);  // MNIST: 0.83
  EXPECT_LT(far_off, 0.01 * samples);
}

TEST(Digits, EveryStyleIsWellFormed) {
  std::vector<float> weight(10);
  for (const WritingStyle& style : writing_styles()) {
    ASSERT_TRUE(style.digit >= 0 && style.digit <= 9);
    EXPECT_GT(style.weight, 0);
    EXPECT_GE(style.points.size(), 4u);
    EXPECT_LE(style.points.size(), digit_style_max_points);
    weight[static_cast<std::size_t>(style.digit)] += style.weight;
    for (const StrokePoint& p : style.points) {
      for (const float value : {p.x0, p.y0, p.x1, p.y1}) EXPECT_TRUE(value >= -0.2f && value <= 1.2f);
    }
  }
  for (const float w : weight) EXPECT_GT(w, 0);
}

TEST(Digits, RejectsBadCalls) {
  Bytes pixels(pixels_per_digit), small(10);
  test::input_error([&] { draw_digit(DigitSplit::train, -1, pixels); });
  test::input_error([&] { draw_digit(DigitSplit::train, 0, small); });
}

}  // namespace
}  // namespace fovea
