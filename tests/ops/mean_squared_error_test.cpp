// SPDX-License-Identifier: Apache-2.0
#include "tests/ops/loss_checks.h"
#include "tests/ops/mean_squared_error_cases.h"
#include "tests/support/op_test.h"

namespace fovea::test {
namespace {

const bool registered = register_layer_tests("MeanSquaredErrorLayer", FOVEA_TEST_DEVICES, mean_squared_error_cases(),
                                             random_mean_squared_error_case);

class MeanSquaredErrorTest : public OpTest<LayerCase> {};

TEST_P(MeanSquaredErrorTest, NaN) { EXPECT_TRUE(check_nan(device(), param())); }

INSTANTIATE_TEST_SUITE_P(All, MeanSquaredErrorTest,
                         devices_and_cases(FOVEA_TEST_DEVICES,
                                           std::vector<LayerCase>{squares_case(
                                               "Block257", "more than a block of threads", {2, 257}, 1, 0, true)}),
                         case_name<LayerCase>);

TEST(MeanSquaredError, ByHand) {
  const auto doubles = [](const Shape& shape, std::vector<double> v) { return Tensor::from<double>(shape, v); };
  const Tensor x = doubles({2, 2}, {1, 2, 3, 4}), target = doubles({2, 2}, {1, 0, 5, 3}), dloss = doubles({1}, {6});
  Tensor losses({2}, DType::f64), loss({1}, DType::f64), dx({2, 2}, DType::f64);
  truth_ops().mean_squared_error_forward(x.view(), target.view(), losses.view(), loss.view());
  EXPECT_EQ(losses.span<double>()[0], 2);    // (0 + 4) / 2
  EXPECT_EQ(losses.span<double>()[1], 2.5);  // (4 + 1) / 2
  EXPECT_EQ(loss.span<double>()[0], 2.25);
  truth_ops().mean_squared_error_backward(x.view(), target.view(), dloss.view(), dx.view());
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(dx.span<double>()[i], (std::vector<double>{0, 6, -6, 3})[i]) << i;
}

TEST(MeanSquaredError, Layer) {
  const MeanSquaredError layer;
  EXPECT_TRUE(layer.differentiable(0));
  EXPECT_FALSE(layer.differentiable(1)) << "no gradient flows to the target";
  EXPECT_EQ(layer.output_shape(std::vector<Shape>{{4, 2, 3}, {4, 2, 3}}), Shape{1});
  for (const auto& [x, target] :
       {std::pair{Shape{4, 3}, Shape{4, 2}}, std::pair{Shape{4}, Shape{4}}, std::pair{Shape{4, 0}, Shape{4, 0}}})
    EXPECT_THROW(layer.output_shape(std::vector<Shape>{x, target}), InputError) << x.to_string();
}

}  // namespace
}  // namespace fovea::test
