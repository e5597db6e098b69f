// SPDX-License-Identifier: Apache-2.0
#include <limits>

#include "tests/ops/elementwise_cases.h"
#include "tests/ops/multiply_cases.h"
#include "tests/support/layer_checks.h"
#include "tests/support/op_test.h"

namespace fovea::test {
namespace {

class MultiplyTest : public OpTest<ElementwiseCase> {
 protected:
  static OpCall forward(const Tensor& a, const Tensor& b) {
    return {.op = "multiply",
            .inputs = {a, b},
            .outputs = {{a.shape(), a.dtype()}},
            .run = [](Ops& ops, auto in, auto out, Workspace) { ops.multiply_forward(in[0], in[1], out[0]); }};
  }
  static OpCall backward(const Tensor& other, const Tensor& dy) {
    return {.op = "multiply",
            .direction = Direction::backward,
            .inputs = {other, dy},
            .outputs = {{dy.shape(), dy.dtype()}},
            .run = [](Ops& ops, auto in, auto out, Workspace) { ops.multiply_backward(in[0], in[1], out[0]); }};
  }
  // NaN, infinities and zeros in random places: every pair of them meets in a large tensor.
  Tensor special(std::uint64_t tensor) const {
    const float infinity = std::numeric_limits<float>::infinity();
    const float values[] = {std::numeric_limits<float>::quiet_NaN(), infinity, -infinity, 0.0f, -0.0f, 1.0f};
    Tensor x(param().x);
    RandomStream places = random(tensor);
    for (float& v : x.span<float>()) v = values[places.below(6)];
    return stored(x);
  }
};

TEST_P(MultiplyTest, SpecialValues) {  // 0 * infinity is NaN
  EXPECT_TRUE(check_exact(device(), forward(special(0), special(1)), ZeroTrust::off));
  EXPECT_TRUE(check_exact(device(), backward(special(2), special(3)), ZeroTrust::off));
}

// Products near the largest and below the smallest number of the type; finite differences could not follow there.
TEST_P(MultiplyTest, LargeAndTinyProducts) {
  LayerCase c{.name = param().name, .layer = std::make_shared<Multiply>(), .inputs = {param().x, param().x}};
  c.dtype = storage();
  const bool f16 = storage() == DType::f16;
  const auto within = [](float limit) { return InputFill{.low = -limit, .high = limit}; };
  const std::vector<InputFill> large{within(f16 ? 200 : 1e19f), within(f16 ? 320 : 3e19f)};
  const std::vector<InputFill> tiny{within(f16 ? 3e-4f : 1e-20f), within(f16 ? 1e-3f : 1e-19f)};
  for (const auto& fills : {large, tiny}) {
    c.fills = fills;
    EXPECT_TRUE(check_forward(device(), c));
    EXPECT_TRUE(check_backward(device(), c));
  }
}

TEST_P(MultiplyTest, ByHand) {
  const Tensor a = stored(Tensor::from({2, 2}, {2, -3, 0.5f, 0})), b = stored(Tensor::from({2, 2}, {4, 5, -8, 7}));
  EXPECT_TRUE(equal_to_truth(execute(device(), forward(a, b)).outputs[0], Tensor::from({2, 2}, {8, -15, -4, 0})));
  EXPECT_TRUE(equal_to_truth(execute(device(), backward(b, a)).outputs[0], Tensor::from({2, 2}, {8, -15, -4, 0})));
}

TEST_P(MultiplyTest, TheResultMayReplaceAnOperand) {
  const Tensor a = stored(integers(param().x, random(4), 50)), b = stored(integers(param().x, random(5), 50));
  const OpCall in_place{
      .op = "multiply",
      .inputs = {b},
      .outputs = {{a.shape(), a.dtype(), a}},
      .run = [](Ops& ops, auto in, auto out, Workspace) { ops.multiply_forward(out[0], in[0], out[0]); }};
  EXPECT_TRUE(check_exact(device(), in_place, ZeroTrust::off));
}

INSTANTIATE_TEST_SUITE_P(All, MultiplyTest, stored_devices_and_cases(FOVEA_TEST_DEVICES, elementwise_cases()),
                         case_name<ElementwiseCase>);

const bool registered =
    register_layer_tests("MultiplyLayer", FOVEA_TEST_DEVICES, multiply_cases(), random_multiply_case);

}  // namespace
}  // namespace fovea::test
