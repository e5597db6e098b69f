// SPDX-License-Identifier: Apache-2.0
#include "tests/ops/binary_cross_entropy_cases.h"
#include "tests/ops/loss_checks.h"
#include "tests/support/op_test.h"

namespace fovea::test {
namespace {

const bool registered = register_layer_tests("BinaryCrossEntropyLayer", FOVEA_TEST_DEVICES,
                                             binary_cross_entropy_cases(), random_binary_cross_entropy_case);

class BinaryCrossEntropyTest : public OpTest<LayerCase> {};

TEST_P(BinaryCrossEntropyTest, NaN) {
  if (param().name != "Block257") return;  // logits that are extreme already
  EXPECT_TRUE(check_nan(device(), param()));
}

// Gradients of logits whose loss is too large, or too flat, for finite differences.
TEST_P(BinaryCrossEntropyTest, Backward) { EXPECT_TRUE(check_backward(device(), param())); }

std::vector<LayerCase> extreme_cases() {
  std::vector<LayerCase> cases;
  for (LayerCase& c : binary_cross_entropy_cases()) {
    if (c.phase != Phase::inference && c.name != "Block257") continue;
    c.phase = Phase::training;
    c.backward_trust = ZeroTrust::off;
    cases.push_back(std::move(c));
  }
  return cases;
}
INSTANTIATE_TEST_SUITE_P(All, BinaryCrossEntropyTest, devices_and_cases(FOVEA_TEST_DEVICES, extreme_cases()),
                         case_name<LayerCase>);

TEST(BinaryCrossEntropy, ByHand) {
  const auto doubles = [](const Shape& shape, std::vector<double> v) { return Tensor::from<double>(shape, v); };
  // sigmoid(log 3) = 3/4, sigmoid(0) = 1/2, sigmoid(-log 3) = 1/4.
  const Tensor x = doubles({2, 2}, {std::log(3.0), 0, -std::log(3.0), 1e4}), dloss = doubles({1}, {4});
  const Tensor target = doubles({2, 2}, {1, 0.5, 0, 1});
  Tensor losses({2}, DType::f64), loss({1}, DType::f64), dx({2, 2}, DType::f64);
  truth_ops().binary_cross_entropy_forward(x.view(), target.view(), losses.view(), loss.view());
  EXPECT_DOUBLE_EQ(losses.span<double>()[0], (std::log(4.0 / 3) + std::log(2.0)) / 2);
  EXPECT_DOUBLE_EQ(losses.span<double>()[1], std::log(4.0 / 3) / 2);
  truth_ops().binary_cross_entropy_backward(x.view(), target.view(), dloss.view(), dx.view());
  for (std::size_t i = 0; i < 4; ++i)
    EXPECT_NEAR(dx.span<double>()[i], (std::vector<double>{-0.25, 0, 0.25, 0})[i], 1e-15) << i;
}

TEST(BinaryCrossEntropy, Layer) {
  const BinaryCrossEntropy layer;
  EXPECT_TRUE(layer.differentiable(0));
  EXPECT_FALSE(layer.differentiable(1)) << "no gradient flows to the target";
  EXPECT_EQ(layer.output_shape(std::vector<Shape>{{4, 2, 3}, {4, 2, 3}}), Shape{1});
  EXPECT_THROW(layer.output_shape(std::vector<Shape>{{4, 3}, {3, 4}}), InputError);
}

}  // namespace
}  // namespace fovea::test
