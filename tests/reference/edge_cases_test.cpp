// SPDX-License-Identifier: Apache-2.0
//
// Ties, NaN, infinities, extreme scores and windows that hang over the edge.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/reference/reference_ops.h"

namespace fovea::reference_test {
namespace {

const double nan = std::numeric_limits<double>::quiet_NaN();
const double infinity = std::numeric_limits<double>::infinity();

using Values = std::vector<double>;

TEST(ReluEdge, NaNStaysAndPassesItsGradient) {
  for (const DType dtype : {DType::f32, DType::f64}) {
    const Tensor x = doubles({6}, {nan, -nan, -0.0, 0.0, -infinity, infinity}).converted(dtype);
    const Tensor y = relu(x);
    const Values v = elements(y);
    EXPECT_TRUE(std::isnan(v[0]) && std::isnan(v[1]));
    EXPECT_EQ(Values(v.begin() + 2, v.end()), (Values{0, 0, 0, infinity}));
    EXPECT_FALSE(std::signbit(v[2]));
    EXPECT_EQ(elements(relu_dx(y, constant({6}, 3).converted(dtype))), (Values{3, 3, 0, 0, 0, 3}));
  }
}

TEST(ReluEdge, ZeroPassesNoGradient) {
  EXPECT_EQ(elements(relu_dx(doubles({3}, {0, -0.0, 1e-300}), constant({3}, 1))), (Values{0, 0, 1}));
}

TEST(ReluEdge, AClosedGateHoldsBackInfinity) {
  const Tensor y = doubles({3}, {0, 0, 1}), dy = doubles({3}, {infinity, nan, infinity});
  EXPECT_EQ(elements(relu_dx(y, dy)), (Values{0, 0, infinity}));
}

TEST(MaxPoolEdge, FirstOfEqualElementsWins) {
  const MaxPool pooled = max_pool2d({.kernel = 2, .stride = 2}, doubles({1, 1, 2, 4}, {5, 5, 1, 7, 5, 5, 7, 7}));
  EXPECT_EQ(elements(pooled.y), (Values{5, 7}));
  EXPECT_EQ(elements(pooled.index), (Values{0, 1}));
}

TEST(MaxPoolEdge, PositiveAndNegativeZeroAreEqual) {
  const MaxPool pooled =
      max_pool2d({.kernel = {1, 2}, .stride = {1, 2}}, doubles({1, 1, 1, 4}, {-0.0, 0.0, 0.0, -0.0}));
  EXPECT_EQ(elements(pooled.index), (Values{0, 0}));
}

TEST(MaxPoolEdge, PaddingNeverWinsOverNegativeElements) {
  const MaxPool pooled = max_pool2d({.kernel = 3, .stride = 2, .padding = 1}, constant({1, 1, 3, 3}, -7));
  EXPECT_EQ(elements(pooled.y), (Values{-7, -7, -7, -7}));
  EXPECT_EQ(elements(pooled.index), (Values{4, 3, 1, 0}));  // the first element that is not padding
}

TEST(MaxPoolEdge, MinusInfinityIsAnElement) {
  const MaxPool pooled = max_pool2d({.kernel = 2, .stride = 2}, constant({1, 1, 2, 2}, -infinity));
  EXPECT_EQ(elements(pooled.y), Values{-infinity});
  EXPECT_EQ(elements(pooled.index), Values{0});
}

TEST(MaxPoolEdge, FirstNaNWins) {
  for (const DType dtype : {DType::f32, DType::f64}) {
    const Tensor x = doubles({1, 1, 2, 4}, {1, nan, nan, 9, nan, 2, infinity, nan}).converted(dtype);
    const MaxPool pooled = max_pool2d({.kernel = 2, .stride = 2}, x);
    EXPECT_TRUE(std::isnan(elements(pooled.y)[0]) && std::isnan(elements(pooled.y)[1]));
    EXPECT_EQ(elements(pooled.index), (Values{1, 0}));
  }
}

TEST(MaxPoolEdge, WindowsAbove256ElementsHaveWideIndices) {
  Tensor x = constant({1, 1, 17, 17}, 0);
  x.span<double>()[16 * 17 + 15] = 1;
  const MaxPool pooled = max_pool2d({.kernel = 17, .stride = 1}, x);
  ASSERT_EQ(pooled.index.dtype(), DType::u16);
  EXPECT_EQ(elements(pooled.index), Values{16 * 17 + 15});
  const Values dx =
      elements(max_pool2d_dx({.kernel = 17, .stride = 1}, constant({1, 1, 1, 1}, 2), pooled.index, x.shape()));
  EXPECT_EQ(dx[16 * 17 + 15], 2);
}

TEST(MaxPoolEdge, SharedWinnerCollectsAllGradients) {
  const MaxPool2dOptions options{.kernel = 2, .stride = 1};
  const Tensor x = doubles({1, 1, 3, 3}, {0, 0, 0, 0, 9, 0, 0, 0, 0});
  const MaxPool pooled = max_pool2d(options, x);
  EXPECT_EQ(elements(pooled.index), (Values{3, 2, 1, 0}));
  const Tensor dx = max_pool2d_dx(options, doubles({1, 1, 2, 2}, {1, 2, 4, 8}), pooled.index, x.shape());
  EXPECT_EQ(elements(dx), (Values{0, 0, 0, 0, 15, 0, 0, 0, 0}));
}

TEST(AvgPoolEdge, DivisorsAtTheCorner) {
  const Tensor x = constant({1, 1, 4, 4}, 36);
  AvgPool2dOptions options{.kernel = 3, .stride = 3, .padding = 1};
  EXPECT_EQ(elements(avg_pool2d(options, x)), (Values{16, 16, 16, 16}));  // 4 of 9
  options.count_include_pad = false;
  EXPECT_EQ(elements(avg_pool2d(options, x)), (Values{36, 36, 36, 36}));
}

// What ceil_mode lets hang over the padded image counts in no divisor.
TEST(AvgPoolEdge, CeilModeDoesNotCountBeyondThePadding) {
  const Tensor x = constant({1, 1, 1, 4}, 6);
  const AvgPool2dOptions options{.kernel = {1, 3}, .stride = {1, 3}, .ceil_mode = true};
  EXPECT_EQ(elements(avg_pool2d(options, x)), (Values{6, 6}));
  const AvgPool2dOptions padded{.kernel = {1, 3}, .stride = {1, 3}, .padding = {0, 1}, .ceil_mode = true};
  EXPECT_EQ(elements(avg_pool2d(padded, x)), (Values{4, 4}));  // 2 of 3 twice: the padded row is 6 wide
  const AvgPool2dOptions hanging{.kernel = {1, 4}, .stride = {1, 3}, .padding = {0, 1}, .ceil_mode = true};
  EXPECT_EQ(elements(avg_pool2d(hanging, x)), (Values{4.5, 4}));  // 3 of 4; then 2 of the 3 that are left
}

TEST(AvgPoolEdge, NaNReachesItsWindowsOnly) {
  const Values y = elements(avg_pool2d({.kernel = 2, .stride = 2}, doubles({1, 1, 2, 4}, {nan, 1, 2, 2, 1, 1, 2, 2})));
  EXPECT_TRUE(std::isnan(y[0]));
  EXPECT_EQ(y[1], 2);
}

TEST(SoftmaxEdge, AllEqualScores) {
  for (const double score : {0.0, 1e4, -1e4, 1e300}) {
    EXPECT_EQ(elements(softmax(constant({2, 4}, score))), Values(8, 0.25)) << score;
  }
}

TEST(SoftmaxEdge, ExtremeScoresNeitherOverflowNorVanish) {
  for (const DType dtype : {DType::f32, DType::f64}) {
    EXPECT_EQ(elements(softmax(doubles({1, 3}, {1e4, -1e4, 0}).converted(dtype))), (Values{1, 0, 0}));
    EXPECT_EQ(elements(softmax(doubles({1, 2}, {-1e4, -1e4}).converted(dtype))), (Values{0.5, 0.5}));
  }
}

TEST(SoftmaxEdge, NaNSpoilsItsRowOnly) {
  for (const std::size_t position : {0, 1, 2}) {
    Tensor x = constant({2, 3}, 1);
    x.span<double>()[position] = nan;
    const Values y = elements(softmax(x));
    EXPECT_TRUE(std::isnan(y[0]) && std::isnan(y[1]) && std::isnan(y[2])) << position;
    EXPECT_FALSE(std::isnan(y[3]));
  }
}

TEST(SoftmaxEdge, MinusInfinityHasProbabilityZero) {
  EXPECT_EQ(elements(softmax(doubles({1, 3}, {-infinity, 2, 2}))), (Values{0, 0.5, 0.5}));
}

TEST(LossEdge, AllEqualLogitsCostTheLogarithmOfTheClasses) {
  const Tensor labels = doubles({2}, {0, 9}).converted(DType::i32);
  for (const double logit : {0.0, 1e4, -1e4}) {
    const CrossEntropy result = softmax_cross_entropy(constant({2, 10}, logit), labels);
    EXPECT_DOUBLE_EQ(elements(result.loss)[0], std::log(10.0)) << logit;
    EXPECT_EQ(elements(result.probabilities), Values(20, 0.1));
  }
}

TEST(LossEdge, ExtremeLogitsStayFinite) {
  for (const DType dtype : {DType::f32, DType::f64}) {
    const Tensor logits = doubles({2, 2}, {1e4, -1e4, 1e4, -1e4}).converted(dtype);
    const Tensor labels = doubles({2}, {0, 1}).converted(DType::i32);
    const CrossEntropy result = softmax_cross_entropy(logits, labels);
    EXPECT_EQ(elements(result.losses), (Values{0, 2e4}));
    EXPECT_EQ(elements(result.loss), Values{1e4});
    const Tensor dlogits = softmax_cross_entropy_dlogits(result, labels, doubles({1}, {1}).converted(dtype));
    EXPECT_EQ(elements(dlogits), (Values{0, 0, 0.5, -0.5}));
  }
}

TEST(LossEdge, NaNReachesTheLoss) {
  const Tensor labels = doubles({2}, {0, 1}).converted(DType::i32);
  const CrossEntropy result = softmax_cross_entropy(doubles({2, 2}, {1, 1, nan, 1}), labels);
  EXPECT_FALSE(std::isnan(elements(result.losses)[0]));
  EXPECT_TRUE(std::isnan(elements(result.losses)[1]));
  EXPECT_TRUE(std::isnan(elements(result.loss)[0]));
}

TEST(ConvEdge, NaNReachesTheOutputsThatSeeIt) {
  Tensor x = constant({1, 1, 4, 4}, 1);
  x.span<double>()[0] = nan;
  const Values y = elements(conv2d({.out_channels = 1, .kernel = 3}, x, constant({1, 1, 3, 3}, 1)));
  EXPECT_TRUE(std::isnan(y[0]));
  EXPECT_EQ(Values(y.begin() + 1, y.end()), (Values{9, 9, 9}));
}

// A sum in float would lose both ones to 2^25.
TEST(ConvEdge, FloatSumsAreTakenInDouble) {
  const Tensor x = doubles({1, 4, 1, 1}, {0x1p25, 1, 1, -0x1p25}).converted(DType::f32);
  const Tensor ones = constant({1, 4}, 1).converted(DType::f32);
  EXPECT_EQ(elements(conv2d({.out_channels = 1, .kernel = 1}, x, ones.reshaped({1, 4, 1, 1}))), Values{2});
  EXPECT_EQ(elements(linear(x, ones)), Values{2});
  EXPECT_EQ(elements(bias_gradient(x.reshaped({4, 1}))), Values{2});
  EXPECT_EQ(elements(avg_pool2d({.kernel = {4, 1}, .stride = 1}, x.reshaped({1, 1, 4, 1}))), Values{0.5});
}

TEST(EmptyBatch, GivesEmptyOutputsAndZeroGradients) {
  const Conv2dOptions options{.out_channels = 2, .kernel = 3};
  const Tensor x({0, 1, 5, 5}, DType::f64), dy({0, 2, 3, 3}, DType::f64);
  EXPECT_EQ(conv2d(options, x, constant({2, 1, 3, 3}, 1)).elements(), 0);
  EXPECT_EQ(elements(conv2d_dw(options, x, dy)), Values(18, 0.0));
  EXPECT_EQ(elements(bias_gradient(dy)), Values(2, 0.0));
}

// One rounding per operation: a fused multiply-add would keep the 2^-24 that the first product loses.
TEST(SgdEdge, EveryOperationRoundsToFloat) {
  const SgdOptions options{.learning_rate = 1, .momentum = 0, .weight_decay = 1 + 0x1p-12f};
  Tensor w = doubles({1}, {1 + 0x1p-12}).converted(DType::f32), v = constant({1}, 0).converted(DType::f32);
  const Tensor g = doubles({1}, {-1}).converted(DType::f32);
  sgd_step(options, w, g, v);
  EXPECT_EQ(elements(v), Values{0x1p-11});  // (1 + 2^-12)^2 = 1 + 2^-11 + 2^-24 rounds to 1 + 2^-11
}

}  // namespace
}  // namespace fovea::reference_test
