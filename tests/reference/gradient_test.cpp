// SPDX-License-Identifier: Apache-2.0
//
// Every gradient against central differences in float64, and gradients with a seeded fault that must be rejected.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <ostream>
#include <string>

#include "tests/reference/finite_differences.h"
#include "tests/reference/reference_ops.h"

namespace fovea::reference_test {
namespace {

// --- convolution

struct ConvCase {
  std::string name;  // why the case is there
  Shape x;
  Conv2dOptions options;
};
void PrintTo(const ConvCase& c, std::ostream* out) { *out << c.name; }

const ConvCase conv_cases[] = {
    {"Plain", {2, 2, 5, 5}, {.out_channels = 3, .kernel = 3}},
    {"OneByOne", {2, 3, 3, 4}, {.out_channels = 2, .kernel = 1}},
    {"SamePadding", {1, 2, 4, 5}, {.out_channels = 2, .kernel = {3, 5}, .padding = {1, 2}}},
    {"FourPaddingsDiffer", {1, 1, 4, 4}, {.out_channels = 2, .kernel = 3, .padding = {0, 1, 2, 3}}},
    {"StridesDiffer", {1, 2, 7, 8}, {.out_channels = 2, .kernel = {3, 2}, .stride = {2, 3}}},
    {"StrideLeavesPixelsOut", {1, 1, 8, 8}, {.out_channels = 1, .kernel = 2, .stride = 3}},
    {"DilationsDiffer", {1, 2, 7, 8}, {.out_channels = 2, .kernel = 3, .dilation = {2, 3}}},
    {"Everything",
     {2, 4, 7, 8},
     {.out_channels = 6, .kernel = {3, 2}, .stride = {2, 1}, .padding = {1, 2, 2, 1}, .dilation = {1, 2}, .groups = 2}},
    {"Depthwise", {1, 3, 5, 4}, {.out_channels = 3, .kernel = 3, .padding = 1, .groups = 3}},
    {"GroupsMultiply", {1, 2, 4, 4}, {.out_channels = 6, .kernel = 2, .groups = 2}},
    {"KernelIsTheImage", {2, 2, 4, 3}, {.out_channels = 2, .kernel = {4, 3}}},
    {"PaddingWiderThanKernel", {1, 1, 3, 3}, {.out_channels = 1, .kernel = 2, .padding = 3}},
};

class ConvGradient : public testing::TestWithParam<ConvCase> {
 protected:
  Conv2dOptions options = GetParam().options;
  Tensor x = uniform(GetParam().x, 1);
  Tensor w = uniform(conv2d_filter_shape(options, x.shape()), 2);
  Tensor bias = uniform({options.out_channels}, 3);
  Tensor dy = uniform(conv2d_output_shape(options, x.shape()), 4);
};

TEST_P(ConvGradient, OfInput) {
  const auto f = [&](const Tensor& v) { return conv2d(options, v, w, bias); };
  const Tensor dx = conv2d_dx(options, dy, w, x.shape());
  EXPECT_LE(gradient_error(f, x, dy, dx), 1);
}

TEST_P(ConvGradient, OfFilters) {
  const auto f = [&](const Tensor& v) { return conv2d(options, x, v, bias); };
  EXPECT_LE(gradient_error(f, w, dy, conv2d_dw(options, x, dy)), 1);
}

TEST_P(ConvGradient, OfBias) {
  const auto f = [&](const Tensor& v) { return conv2d(options, x, w, v); };
  EXPECT_LE(gradient_error(f, bias, dy, bias_gradient(dy)), 1);
}

// One element off by 10^-4 of its size is enough; so is a turned filter.
TEST_P(ConvGradient, FaultIsSeen) {
  const auto f = [&](const Tensor& v) { return conv2d(options, v, w, bias); };
  Tensor dx = conv2d_dx(options, dy, w, x.shape());
  double& largest = *std::ranges::max_element(dx.span<double>());
  largest += 1e-4 * (1 + std::abs(largest));
  EXPECT_GT(gradient_error(f, x, dy, dx), 1);

  const auto of_filters = [&](const Tensor& v) { return conv2d(options, x, v, bias); };
  Tensor dw = conv2d_dw(options, x, dy);
  if (dw.shape()[2] * dw.shape()[3] == 1) return;
  std::ranges::reverse(dw.span<double>());
  EXPECT_GT(gradient_error(of_filters, w, dy, dw), 1);
}

INSTANTIATE_TEST_SUITE_P(Cases, ConvGradient, testing::ValuesIn(conv_cases),
                         [](const auto& test) { return test.param.name; });

TEST(GradientError, RejectsConvolutionWithStridesSwapped) {
  const Conv2dOptions right{.out_channels = 2, .kernel = 2, .stride = {1, 2}};
  const Conv2dOptions wrong{.out_channels = 2, .kernel = 2, .stride = {2, 1}};
  const Tensor x = uniform({1, 2, 5, 5}, 1), w = uniform({2, 2, 2, 2}, 2), dy = uniform({1, 2, 4, 2}, 3);
  const auto f = [&](const Tensor& v) { return conv2d(right, v, w); };
  EXPECT_LE(gradient_error(f, x, dy, conv2d_dx(right, dy, w, x.shape())), 1);
  const Tensor transposed = dy.reshaped({1, 2, 2, 4});
  EXPECT_GT(gradient_error(f, x, dy, conv2d_dx(wrong, transposed, w, x.shape())), 1);
}

TEST(GradientError, RejectsNaNAndOtherShapes) {
  const Tensor x = uniform({2, 3}, 1), dy = uniform({2, 3}, 2);
  Tensor dx = tanh_dx(tanh(x), dy);
  EXPECT_LE(gradient_error(tanh, x, dy, dx), 1);
  EXPECT_GT(gradient_error(tanh, x, dy, dx.reshaped({3, 2})), 1);
  dx.span<double>()[4] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_GT(gradient_error(tanh, x, dy, dx), 1);
}

// --- fully connected

TEST(LinearGradient, OfInputWeightsAndBias) {
  for (const Shape& shape : {Shape{4, 6}, Shape{2, 2, 3, 2}, Shape{1, 1}}) {
    const std::int64_t I = shape.without_batch().elements(), O = 3;
    const Tensor x = uniform(shape, 1), w = uniform({O, I}, 2), bias = uniform({O}, 3), dy = uniform({shape[0], O}, 4);
    const auto of_x = [&](const Tensor& v) { return linear(v, w, bias); };
    const auto of_w = [&](const Tensor& v) { return linear(x, v, bias); };
    const auto of_bias = [&](const Tensor& v) { return linear(x, w, v); };
    EXPECT_LE(gradient_error(of_x, x, dy, linear_dx(dy, w, x.shape())), 1) << shape.to_string();
    EXPECT_LE(gradient_error(of_w, w, dy, linear_dw(x, dy)), 1) << shape.to_string();
    EXPECT_LE(gradient_error(of_bias, bias, dy, bias_gradient(dy)), 1) << shape.to_string();
  }
}

TEST(LinearGradient, TransposedWeightsAreSeen) {
  const Tensor x = uniform({2, 3}, 1), w = uniform({3, 3}, 2), dy = uniform({2, 3}, 3);
  Tensor transposed({3, 3}, DType::f64);
  for (std::size_t i = 0; i < 3; ++i)
    for (std::size_t j = 0; j < 3; ++j) transposed.span<double>()[i * 3 + j] = w.span<double>()[j * 3 + i];
  const auto f = [&](const Tensor& v) { return linear(v, w); };
  EXPECT_LE(gradient_error(f, x, dy, linear_dx(dy, w, x.shape())), 1);
  EXPECT_GT(gradient_error(f, x, dy, linear_dx(dy, transposed, x.shape())), 1);
}

// --- pooling

struct PoolCase {
  std::string name;
  Shape x;
  Size2 kernel, stride;
  Padding2 padding = 0;
  bool ceil_mode = false;
};
void PrintTo(const PoolCase& c, std::ostream* out) { *out << c.name; }

const PoolCase pool_cases[] = {
    {"Quarters", {2, 2, 4, 6}, 2, 2},
    {"Overlapping", {1, 2, 7, 7}, 3, 2},
    {"StrideOne", {1, 1, 5, 5}, 3, 1, 1},
    {"OddInputFloor", {1, 2, 5, 7}, 2, 2},
    {"OddInputCeil", {1, 2, 5, 7}, 2, 2, 0, true},
    {"CeilAndPadding", {1, 2, 6, 7}, 3, 2, 1, true},
    {"CeilDropsAWindow", {1, 1, 5, 7}, 2, {4, 3}, 1, true},
    {"FourPaddingsDiffer", {1, 1, 5, 5}, {4, 5}, {2, 1}, {0, 1, 2, 2}},
    {"StridesDiffer", {1, 1, 8, 7}, {3, 2}, {2, 3}, {1, 0}},
    {"StrideLeavesPixelsOut", {1, 1, 8, 8}, 2, 3},
    {"Global", {2, 3, 4, 5}, {4, 5}, 1},
};

class PoolGradient : public testing::TestWithParam<PoolCase> {
 protected:
  PoolCase c = GetParam();
  MaxPool2dOptions max_options{.kernel = c.kernel, .stride = c.stride, .padding = c.padding, .ceil_mode = c.ceil_mode};
  AvgPool2dOptions avg_options(bool count_include_pad) const {
    return {.kernel = c.kernel,
            .stride = c.stride,
            .padding = c.padding,
            .ceil_mode = c.ceil_mode,
            .count_include_pad = count_include_pad};
  }
  Tensor dy = uniform(max_pool2d_output_shape(max_options, c.x), 2);
};

TEST_P(PoolGradient, Max) {
  const Tensor x = distinct(c.x, 1);  // far from a change of winner
  const auto f = [&](const Tensor& v) { return max_pool2d(max_options, v).y; };
  const MaxPool pooled = max_pool2d(max_options, x);
  EXPECT_LE(gradient_error(f, x, dy, max_pool2d_dx(max_options, dy, pooled.index, c.x)), 1);

  // Seeded fault: the smallest element of each window is said to have won.
  const Tensor negated = [&] {
    Tensor t = x.to(host_memory());
    for (double& v : t.span<double>()) v = -v;
    return t;
  }();
  const Tensor losers = max_pool2d(max_options, negated).index;
  EXPECT_GT(gradient_error(f, x, dy, max_pool2d_dx(max_options, dy, losers, c.x)), 1);
}

TEST_P(PoolGradient, Average) {
  const Tensor x = uniform(c.x, 1);
  for (const bool include : {true, false}) {
    const AvgPool2dOptions options = avg_options(include);
    const auto f = [&](const Tensor& v) { return avg_pool2d(options, v); };
    EXPECT_LE(gradient_error(f, x, dy, avg_pool2d_dx(options, dy, c.x)), 1) << "count_include_pad " << include;
    if (c.padding == Padding2(0)) continue;
    // Seeded fault: the other divisor.
    EXPECT_GT(gradient_error(f, x, dy, avg_pool2d_dx(avg_options(!include), dy, c.x)), 1);
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, PoolGradient, testing::ValuesIn(pool_cases),
                         [](const auto& test) { return test.param.name; });

// --- element by element, softmax, loss

TEST(ElementGradient, ReluAwayFromTheKink) {
  const Tensor x = distinct({3, 7}, 1), dy = uniform({3, 7}, 2);
  EXPECT_LE(gradient_error(relu, x, dy, relu_dx(relu(x), dy)), 1);
  EXPECT_GT(gradient_error(relu, x, dy, dy), 1);  // seeded fault: the gate is missing
}

TEST(ElementGradient, Tanh) {
  const Tensor x = uniform({3, 7}, 1), dy = uniform({3, 7}, 2);
  EXPECT_LE(gradient_error(tanh, x, dy, tanh_dx(tanh(x), dy)), 1);
  EXPECT_GT(gradient_error(tanh, x, dy, tanh_dx(x, dy)), 1);  // seeded fault: 1 - x*x
}

TEST(ElementGradient, Add) {
  const Tensor a = uniform({2, 3}, 1), b = uniform({2, 3}, 2), dy = uniform({2, 3}, 3);
  const auto of_a = [&](const Tensor& v) { return add(v, b); };
  const auto of_b = [&](const Tensor& v) { return add(a, v); };
  const auto of_both = [](const Tensor& v) { return add(v, v); };
  EXPECT_LE(gradient_error(of_a, a, dy, add_dx(dy)), 1);
  EXPECT_LE(gradient_error(of_b, b, dy, add_dx(dy)), 1);
  EXPECT_LE(gradient_error(of_both, a, dy, add(dy, dy)), 1);
  EXPECT_GT(gradient_error(of_both, a, dy, add_dx(dy)), 1);  // seeded fault: one of two paths
}

TEST(ElementGradient, Bias) {
  const Tensor bias = uniform({3}, 1), y = uniform({2, 3, 2, 2}, 2), dy = uniform({2, 3, 2, 2}, 3);
  const auto f = [&](const Tensor& v) { return bias_add(v, y); };
  EXPECT_LE(gradient_error(f, bias, dy, bias_gradient(dy)), 1);
  EXPECT_GT(gradient_error(f, bias, dy, bias_gradient(dy.reshaped({4, 3, 2, 1}))), 1);  // seeded fault: wrong axis
}

TEST(SoftmaxGradient, OfScores) {
  const Tensor x = uniform({3, 5}, 1), dy = uniform({3, 5}, 2), y = softmax(x);
  EXPECT_LE(gradient_error(softmax, x, dy, softmax_dx(y, dy)), 1);
  Tensor diagonal_only = softmax_dx(y, dy);  // seeded fault: y (1 - y) dy, without the other classes
  for (std::size_t i = 0; i < 15; ++i) {
    const double probability = y.span<double>()[i];
    diagonal_only.span<double>()[i] = probability * (1 - probability) * dy.span<double>()[i];
  }
  EXPECT_GT(gradient_error(softmax, x, dy, diagonal_only), 1);
}

TEST(SoftmaxGradient, OfTheLoss) {
  const Tensor logits = uniform({4, 5}, 1), dloss = doubles({1}, {1.5});
  const Tensor labels = doubles({4}, {0, 3, 4, 3}).converted(DType::i32);
  const auto f = [&](const Tensor& v) { return softmax_cross_entropy(v, labels).loss; };
  const CrossEntropy forward = softmax_cross_entropy(logits, labels);
  EXPECT_LE(gradient_error(f, logits, dloss, softmax_cross_entropy_dlogits(forward, labels, dloss)), 1);
  // Seeded faults: not divided by the batch; another label.
  const Tensor four_times = doubles({1}, {4 * 1.5});
  EXPECT_GT(gradient_error(f, logits, dloss, softmax_cross_entropy_dlogits(forward, labels, four_times)), 1);
  const Tensor others = doubles({4}, {0, 3, 4, 2}).converted(DType::i32);
  EXPECT_GT(gradient_error(f, logits, dloss, softmax_cross_entropy_dlogits(forward, others, dloss)), 1);
}

}  // namespace
}  // namespace fovea::reference_test
