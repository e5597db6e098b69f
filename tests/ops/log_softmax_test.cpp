// SPDX-License-Identifier: Apache-2.0
#include "tests/ops/log_softmax_cases.h"
#include "tests/ops/loss_checks.h"
#include "tests/support/op_test.h"

namespace fovea::test {
namespace {

const bool registered =
    register_layer_tests("LogSoftmaxLayer", FOVEA_TEST_DEVICES, log_softmax_cases(), random_log_softmax_case);

class LogSoftmaxTest : public OpTest<LayerCase> {};

// A NaN score makes its whole row NaN and leaves the other rows alone.
TEST_P(LogSoftmaxTest, NaN) { EXPECT_TRUE(check_nan(device(), param())); }

// What has no probability at all has its logarithm too, and spoils nothing.
TEST_P(LogSoftmaxTest, MinusInfinity) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  LayerCase c = param();
  LayerData data = real_data(c);
  data.inputs[0].span<float>().back() = -infinity;
  EXPECT_EQ(forward_truth(c, data).output.span<double>().back(), -infinity);
  EXPECT_TRUE(check_bound(device(), forward_call(c, data), forward_tolerances(c, data)));
}

INSTANTIATE_TEST_SUITE_P(All, LogSoftmaxTest,
                         devices_and_cases(FOVEA_TEST_DEVICES,
                                           std::vector<LayerCase>{{.name = "Warp33",
                                                                   .why = "one class more than a warp",
                                                                   .layer = std::make_shared<LogSoftmax>(),
                                                                   .inputs = {{3, 33}},
                                                                   .small = true}}),
                         case_name<LayerCase>);

TEST(LogSoftmax, ByHand) {
  // Scores log 1, log 2, log 5: probabilities 1/8, 2/8, 5/8.
  const Tensor x = Tensor::from<double>({1, 3}, std::vector<double>{0, std::log(2.0), std::log(5.0)});
  Tensor y({1, 3}, DType::f64), dx({1, 3}, DType::f64);
  truth_ops().log_softmax_forward(x.view(), y.view());
  EXPECT_DOUBLE_EQ(y.span<double>()[0], -std::log(8.0));
  EXPECT_DOUBLE_EQ(y.span<double>()[1], std::log(2.0 / 8));
  EXPECT_DOUBLE_EQ(y.span<double>()[2], std::log(5.0 / 8));
  const Tensor dy = Tensor::from<double>({1, 3}, std::vector<double>{8, 0, -16});
  truth_ops().log_softmax_backward(y.view(), dy.view(), dx.view());
  EXPECT_DOUBLE_EQ(dx.span<double>()[0], 8 + 1);
  EXPECT_DOUBLE_EQ(dx.span<double>()[1], 0 + 2);
  EXPECT_DOUBLE_EQ(dx.span<double>()[2], -16 + 5);
}

}  // namespace
}  // namespace fovea::test
