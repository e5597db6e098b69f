// SPDX-License-Identifier: Apache-2.0
//
// The bounds themselves: small ones by hand, and each propagation rule against inputs that really stray.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/tolerance/add.h"
#include "core/tolerance/avg_pool2d.h"
#include "core/tolerance/bound.h"
#include "core/tolerance/conv2d.h"
#include "core/tolerance/linear.h"
#include "core/tolerance/max_pool2d.h"
#include "core/tolerance/relu.h"
#include "core/tolerance/sgd.h"
#include "core/tolerance/softmax.h"
#include "core/tolerance/softmax_cross_entropy.h"
#include "core/tolerance/tanh.h"
#include "tests/compare/hand_worked.h"
#include "tests/support/devices.h"
#include "tests/support/fill.h"

namespace fovea::test {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

double at(const Tensor& t, std::size_t i) { return values(t)[i]; }

TEST(SumTolerance, IsTheFormula) {
  // 25 products, sum 3, root of the sum of squares 2: 4 * 5 * u * (3 + 8) + u * 3 + 2^-126
  EXPECT_DOUBLE_EQ(sum_tolerance(25, -3, 4), 220 * u + 3 * u + 0x1p-126);
  EXPECT_EQ(sum_tolerance(25, 0, 0), 0) << "zeros add up exactly";
  EXPECT_GT(sum_tolerance(25, 0, 4), 0) << "cancellation does not";
}

TEST(LinearTolerance, OwnAndPropagatedByHand) {
  const LinearOptions options{.out_features = 1};
  const std::vector<Uncertain> inputs{{tensor({1, 2}, {2, -1}), tensor({1, 2}, {0.25, 0.5})}};
  const std::vector<Uncertain> parameters{{tensor({1, 2}, {3, 4}), {}}, {tensor({1}, {10}), {}}};
  Uncertain y{tensor({1, 1}, {12}), {}};
  ForwardToleranceArgs args{truth_ops(), inputs, parameters, y, {}};
  linear_forward_tolerance(args, options);
  // products 6, -4 and the bias 10; propagated (3 * 0.25)^2 + (4 * 0.5)^2
  const double own = 4 * std::sqrt(3.0) * u * (12 + 4 * std::sqrt(36 + 16 + 100.0)) + 12 * u + 0x1p-126;
  EXPECT_DOUBLE_EQ(at(y.tolerance, 0), std::sqrt(0.5625 + 4 + own * own));
}

TEST(LinearTolerance, WeightsMayBeUncertainToo) {
  const LinearOptions options{.out_features = 1, .bias = false};
  const std::vector<Uncertain> inputs{{tensor({1, 2}, {2, -1}), {}}};
  const std::vector<Uncertain> parameters{{tensor({1, 2}, {3, 4}), tensor({1, 2}, {0.5, 1})}};
  Uncertain y{tensor({1, 1}, {2}), {}};
  ForwardToleranceArgs args{truth_ops(), inputs, parameters, y, {}};
  linear_forward_tolerance(args, options);
  EXPECT_NEAR(at(y.tolerance, 0), std::sqrt(1.0 + 1.0), 1e-4);
}

TEST(ReluTolerance, CountsInputsWithinTheirTolerance) {
  const std::vector<Uncertain> inputs{{tensor({5}, {-2, -0.5, 0, 0.5, 2}), tensor({5}, {1, 1, 0, 1, 1})}};
  Uncertain y{tensor({5}, {0, 0, 0, 0.5, 2}), {}};
  ForwardToleranceArgs forward{truth_ops(), inputs, {}, y, {}};
  relu_forward_tolerance(forward);
  EXPECT_EQ(forward.decisions, 5);
  EXPECT_EQ(forward.undecided, 2);  // -0.5 and 0.5; an exact 0 is decided
  EXPECT_EQ(at(y.tolerance, 0), 0);
  EXPECT_EQ(at(y.tolerance, 1), 1);
  EXPECT_EQ(at(y.tolerance, 2), 0);
  EXPECT_EQ(at(y.tolerance, 4), 1);

  const Uncertain dy{tensor({5}, {7, -7, 7, -7, 7}), tensor({5}, {0.1, 0.1, 0.1, 0.1, 0.1})};
  Uncertain dx{tensor({5}, {0, 0, 0, -7, 7}), {}};
  BackwardToleranceArgs backward{truth_ops(), inputs, {}, y, dy, {}, {&dx, 1}, {}};
  relu_backward_tolerance(backward);
  EXPECT_EQ(at(dx.tolerance, 0), 0);
  EXPECT_EQ(at(dx.tolerance, 1), 7.1) << "either dy or 0 is right";
  EXPECT_EQ(at(dx.tolerance, 2), 0);
  EXPECT_EQ(at(dx.tolerance, 3), 7.1);
  EXPECT_EQ(at(dx.tolerance, 4), 0.1);
}

TEST(ReluTolerance, ExactInputsLeaveNothingUndecided) {
  const std::vector<Uncertain> inputs{{tensor({2}, {0, 1}), {}}};
  Uncertain y{tensor({2}, {0, 1}), {}};
  ForwardToleranceArgs args{truth_ops(), inputs, {}, y, {}};
  relu_forward_tolerance(args);
  EXPECT_EQ(args.undecided, 0);
  EXPECT_TRUE(y.tolerance.empty());
}

struct PoolTolerance : testing::Test {
  // Two windows of 2x2: in the left one 5 wins surely, in the right one 8 and 7.5 may win.
  std::vector<Uncertain> inputs{{tensor({1, 1, 2, 4}, {1, 5, 8, 7.5, 2, 3, 6, 0}),
                                 tensor({1, 1, 2, 4}, {0.1, 0.2, 0.1, 0.5, 0.1, 0.1, 0.1, 0.1})}};
  Tensor index{[] {
    Tensor t({1, 1, 1, 2}, DType::u8);
    t.span<std::uint8_t>()[0] = 1;
    t.span<std::uint8_t>()[1] = 0;
    return t;
  }()};
};

TEST_F(PoolTolerance, AWinnerWithinTheToleranceIsUndecided) {
  Uncertain y{tensor({1, 1, 1, 2}, {5, 8}), {}};
  std::vector<Uncertain> saved{{index, {}}};
  ForwardToleranceArgs forward{truth_ops(), inputs, {}, y, saved};
  max_pool2d_forward_tolerance(forward, {});
  EXPECT_EQ(forward.decisions, 2);
  EXPECT_EQ(forward.undecided, 1);
  EXPECT_EQ(at(y.tolerance, 0), 0.2);
  EXPECT_EQ(at(y.tolerance, 1), 0.5);
  EXPECT_EQ(at(saved[0].tolerance, 0), 0);
  EXPECT_EQ(at(saved[0].tolerance, 1), infinity);

  const Uncertain dy{tensor({1, 1, 1, 2}, {3, 4}), tensor({1, 1, 1, 2}, {0.1, 0.1})};
  Uncertain dx{tensor({1, 1, 2, 4}, {0, 3, 4, 0, 0, 0, 0, 0}), {}};
  BackwardToleranceArgs backward{truth_ops(), inputs, {}, y, dy, saved, {&dx, 1}, {}};
  max_pool2d_backward_tolerance(backward, {});
  const double expected[] = {0, 0.1, 4.1, 4.1, 0, 0, 0, 0};
  for (std::size_t i = 0; i < 8; ++i) EXPECT_DOUBLE_EQ(at(dx.tolerance, i), expected[i]) << i;
}

TEST_F(PoolTolerance, AnExactTieOfEqualSumsIsDecided) {
  inputs = {{tensor({1, 1, 2, 4}, {5, 5, 0, 0, 5, 5, 0, 0}), tensor({1, 1, 2, 4}, {1, 1, 1, 0.5, 1, 1, 1, 1})}};
  index.span<std::uint8_t>()[0] = 0;
  Uncertain y{tensor({1, 1, 1, 2}, {5, 0}), {}};
  std::vector<Uncertain> saved{{index, {}}};
  ForwardToleranceArgs forward{truth_ops(), inputs, {}, y, saved};
  max_pool2d_forward_tolerance(forward, {});
  EXPECT_EQ(at(saved[0].tolerance, 0), 0);
  EXPECT_EQ(at(saved[0].tolerance, 1), infinity) << "equal values of unequal sums may come apart";
}

// Propagation, against the real thing: inputs that stray by up to their tolerances, in float64, so that what is seen is
// propagation only. Random signs obey the root of the sum of squares with lambda to spare.
Tensor strayed(const Uncertain& x, std::uint64_t stream) {
  Tensor result = x.value.converted(DType::f64);
  RandomStream random = stream_for("stray", stream);
  for (std::size_t i = 0; i < values(x.value).size(); ++i)
    result.span<double>()[i] += (2 * static_cast<double>(random.uniform()) - 1) * at(x.tolerance, i);
  return result;
}
// Every element within its tolerance, and the bound not so wide that it would mean nothing.
void expect_covers(const Tensor& strayed, const Uncertain& truth) {
  double worst = 0;
  for (std::size_t i = 0; i < values(strayed).size(); ++i) {
    const double error = std::abs(at(strayed, i) - at(truth.value, i));
    worst = std::max(worst, error == 0 ? 0 : error / at(truth.tolerance, i));
  }
  EXPECT_LE(worst, 1);
  EXPECT_GT(worst, 0.02);
}

// The root of the sum of squares holds for inputs whose tolerance is four deviations (lambda); uniform errors over the
// whole tolerance are wider than that, so they stray by 1/4 of it here.
Uncertain quarter(Uncertain x) {
  for (double& t : x.tolerance.span<double>()) t /= 4;
  return x;
}

TEST(Propagation, Conv2d) {
  const Conv2dOptions options{.out_channels = 4, .kernel = 3, .stride = 2, .padding = 1, .bias = false};
  const std::vector<Uncertain> inputs{uncertain({2, 3, 9, 9}, 0, 1e-3)};
  const std::vector<Uncertain> parameters{{uncertain({4, 3, 3, 3}, 1, 0).value, {}}};
  const auto run = [&](const Tensor& x) {
    Tensor y(conv2d_output_shape(options, x.shape()), DType::f64);
    truth_ops().conv2d_forward(options, x.view(), parameters[0].value.view(), {}, y.view(), {});
    return y;
  };
  Uncertain y{run(inputs[0].value), {}};
  ForwardToleranceArgs args{truth_ops(), inputs, parameters, y, {}};
  conv2d_forward_tolerance(args, options);
  expect_covers(run(strayed(quarter(uncertain({2, 3, 9, 9}, 0, 1e-3)), 0)), y);
}

TEST(Propagation, AvgPool2d) {
  const AvgPool2dOptions options{.kernel = 3, .stride = 2, .padding = 1, .count_include_pad = false};
  const std::vector<Uncertain> inputs{uncertain({2, 3, 9, 9}, 2, 1e-3)};
  const auto run = [&](const Tensor& x) {
    Tensor y(avg_pool2d_output_shape(options, x.shape()), DType::f64);
    truth_ops().avg_pool2d_forward(options, x.view(), y.view());
    return y;
  };
  Uncertain y{run(inputs[0].value), {}};
  ForwardToleranceArgs args{truth_ops(), inputs, {}, y, {}};
  avg_pool2d_forward_tolerance(args, options);
  expect_covers(run(strayed(quarter(uncertain({2, 3, 9, 9}, 2, 1e-3)), 1)), y);
}

TEST(Propagation, AvgPool2dBackward) {
  const AvgPool2dOptions options{.kernel = 3, .stride = 2, .padding = 1, .count_include_pad = false};
  const Uncertain dy = uncertain({2, 3, 5, 5}, 3, 1e-3), none;
  const std::vector<Uncertain> inputs(1);
  const auto run = [&](const Tensor& gradient) {
    Tensor dx({2, 3, 9, 9}, DType::f64);
    truth_ops().avg_pool2d_backward(options, gradient.view(), dx.view());
    return dx;
  };
  Uncertain dx{run(dy.value), {}};
  BackwardToleranceArgs args{truth_ops(), inputs, {}, none, dy, {}, {&dx, 1}, {}};
  avg_pool2d_backward_tolerance(args, options);
  expect_covers(run(strayed(quarter(uncertain({2, 3, 5, 5}, 3, 1e-3)), 2)), dx);
}

TEST(Propagation, Tanh) {
  const std::vector<Uncertain> inputs{uncertain({500}, 4, 0.2, -3, 3)};
  const auto run = [](const Tensor& x) {
    Tensor y(x.shape(), DType::f64);
    truth_ops().tanh_forward(x.view(), y.view());
    return y;
  };
  Uncertain y{run(inputs[0].value), {}};
  ForwardToleranceArgs args{truth_ops(), inputs, {}, y, {}};
  tanh_forward_tolerance(args);
  expect_covers(run(strayed(inputs[0], 3)), y);  // a hard bound: the whole tolerance
}

TEST(Propagation, TanhBackward) {
  const Uncertain y = uncertain({500}, 5, 0.01, -0.98f, 0.98f), dy = uncertain({500}, 6, 0.01);
  const auto run = [](const Tensor& output, const Tensor& gradient) {
    Tensor dx(output.shape(), DType::f64);
    truth_ops().tanh_backward(output.view(), gradient.view(), dx.view());
    return dx;
  };
  Uncertain dx{run(y.value, dy.value), {}};
  BackwardToleranceArgs args{truth_ops(), {}, {}, y, dy, {}, {&dx, 1}, {}};
  tanh_backward_tolerance(args);
  expect_covers(run(strayed(quarter(uncertain({500}, 5, 0.01, -0.98f, 0.98f)), 4),
                    strayed(quarter(uncertain({500}, 6, 0.01)), 5)),
                dx);
}

TEST(Propagation, Softmax) {
  const std::vector<Uncertain> inputs{uncertain({40, 7}, 7, 0.05, -3, 3)};
  const auto run = [](const Tensor& x) {
    Tensor y(x.shape(), DType::f64);
    truth_ops().softmax_forward(x.view(), y.view());
    return y;
  };
  Uncertain y{run(inputs[0].value), {}};
  ForwardToleranceArgs args{truth_ops(), inputs, {}, y, {}};
  softmax_forward_tolerance(args);
  expect_covers(run(strayed(quarter(uncertain({40, 7}, 7, 0.05, -3, 3)), 6)), y);
}

TEST(Propagation, SoftmaxBackward) {
  const Uncertain y = uncertain({40, 7}, 8, 0.001, 0.05f, 0.2f), dy = uncertain({40, 7}, 9, 0.01);
  const auto run = [](const Tensor& output, const Tensor& gradient) {
    Tensor dx(output.shape(), DType::f64);
    truth_ops().softmax_backward(output.view(), gradient.view(), dx.view());
    return dx;
  };
  Uncertain dx{run(y.value, dy.value), {}};
  BackwardToleranceArgs args{truth_ops(), {}, {}, y, dy, {}, {&dx, 1}, {}};
  softmax_backward_tolerance(args);
  expect_covers(run(strayed(quarter(uncertain({40, 7}, 8, 0.001, 0.05f, 0.2f)), 7),
                    strayed(quarter(uncertain({40, 7}, 9, 0.01)), 8)),
                dx);
}

TEST(Propagation, SoftmaxCrossEntropy) {
  Tensor labels({16}, DType::i32);
  for (std::int32_t i = 0; i < 16; ++i) labels.span<std::int32_t>()[static_cast<std::size_t>(i)] = i % 5;
  const std::vector<Uncertain> inputs{uncertain({16, 5}, 10, 0.05, -3, 3), {labels, {}}};
  struct Outputs {
    Tensor probabilities{{16, 5}, DType::f64}, losses{{16}, DType::f64}, total{{1}, DType::f64}, loss{{1}, DType::f64};
  };
  const auto run = [&](const Tensor& x, const SoftmaxCrossEntropyOptions& options, const Tensor& weights) {
    Outputs out;
    truth_ops().softmax_cross_entropy_forward(options, x.view(), std::as_const(labels).view(), weights.view(),
                                              out.probabilities.view(), out.losses.view(), out.total.view(),
                                              out.loss.view());
    return out;
  };
  const Tensor weights = tensor({5}, {1, 0.25, 2, 0, 3});
  const std::vector<SoftmaxCrossEntropyOptions> variants{
      {}, {.label_smoothing = 0.2}, {.label_smoothing = 0.1, .class_weights = {1, 0.25, 2, 0, 3}}};
  for (const SoftmaxCrossEntropyOptions& options : variants) {
    const Tensor own_weights = options.class_weights.empty() ? Tensor{} : weights;
    const Outputs truth = run(inputs[0].value, options, own_weights);
    Uncertain loss{truth.loss, {}};
    std::vector<Uncertain> saved{{truth.probabilities, {}}, {truth.losses, {}}, {truth.total, {}}}, state;
    if (!own_weights.empty()) state.push_back({own_weights, {}});
    ForwardToleranceArgs args{truth_ops(), inputs, {}, loss, saved};
    args.state = state;
    softmax_cross_entropy_forward_tolerance(args, options);
    const Outputs other = run(strayed(quarter(uncertain({16, 5}, 10, 0.05, -3, 3)), 9), options, own_weights);
    expect_covers(other.probabilities, saved[0]);
    expect_covers(other.losses, saved[1]);
    expect_covers(other.loss, loss);
  }
}

TEST(Propagation, Add) {
  const Uncertain a{tensor({1}, {1}), tensor({1}, {3})}, b{tensor({1}, {-1}), tensor({1}, {4})};
  EXPECT_DOUBLE_EQ(at(add_tolerance(a, b, tensor({1}, {0})), 0), 5);
}

// What an undecided batch normalisation leaves: no bound, but a number.
TEST(Propagation, NoBoundPlusABoundIsNoBound) {
  const Uncertain a{tensor({1}, {1}), tensor({1}, {infinity})}, b{tensor({1}, {2}), tensor({1}, {4})};
  EXPECT_EQ(at(add_tolerance(a, b, tensor({1}, {3})), 0), infinity);
}

}  // namespace
}  // namespace fovea::test
