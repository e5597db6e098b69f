// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <limits>

#include "core/graph/net_file.h"
#include "core/support/error.h"
#include "tests/ops/activation_cases.h"
#include "tests/support/layer_checks.h"
#include "tests/support/op_test.h"

namespace fovea::test {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

// Where a careless formula fails. gelu and silu of -infinity, and the derivatives of gelu and silu at both infinities,
// are 0 * infinity.
const std::vector<float> special{std::numeric_limits<float>::quiet_NaN(),
                                 infinity,
                                 -infinity,
                                 0.0f,
                                 -0.0f,
                                 std::numeric_limits<float>::denorm_min(),
                                 -std::numeric_limits<float>::denorm_min(),
                                 std::numeric_limits<float>::max(),
                                 std::numeric_limits<float>::lowest(),
                                 1e30f,
                                 -1e30f,
                                 88.72f,
                                 -88.72f,
                                 88.73f,
                                 -88.73f,
                                 -103.9f,
                                 -104.1f,
                                 13.5f,
                                 -13.5f,
                                 -14.3f};

struct SpecialCase {
  const char* name;
  const char* why;
  std::shared_ptr<const Layer> layer;
  bool small = true;
};
std::ostream& operator<<(std::ostream& out, const SpecialCase& c) { return out << c.name << " (" << c.why << ")"; }

const std::vector<SpecialCase> special_cases{
    {"LeakyRelu", "default slope", leaky_relu(0.01)},
    {"LeakyReluSlope0", "infinity * 0", leaky_relu(0)},
    {"Elu", "default alpha", elu(1)},
    {"EluNegative", "alpha below 0", elu(-2)},
    {"Sigmoid", "", std::make_shared<Sigmoid>()},
    {"Gelu", "", std::make_shared<Gelu>()},
    {"Silu", "", std::make_shared<Silu>()},
};

class ActivationTest : public OpTest<SpecialCase> {
 protected:
  LayerCase layer_case() const {
    return activation_case(param().name, param().why, param().layer, {static_cast<std::int64_t>(special.size())});
  }
};

TEST_P(ActivationTest, ForwardOfSpecialValues) {
  const LayerCase c = layer_case();
  LayerData data = real_data(c);
  data.inputs = {Tensor::from<float>(c.inputs[0], std::span<const float>(special))};
  EXPECT_TRUE(check_bound(device(), forward_call(c, data), forward_tolerances(c, data), ZeroTrust::off));
}

TEST_P(ActivationTest, BackwardOfSpecialValues) {
  const LayerCase c = layer_case();
  LayerData data = real_data(c);
  data.inputs = {Tensor::from<float>(c.inputs[0], std::span<const float>(special))};
  const LayerResult forward = rounded(c, forward_truth(c, data));
  EXPECT_TRUE(check_bound(device(), backward_call(c, data, forward, {0}), backward_tolerances(c, data, forward, {0}),
                          ZeroTrust::off));
  // A NaN from above passes everywhere.
  data.inputs = real_data(c).inputs;
  for (float& v : data.output_gradient.span<float>()) v = std::numeric_limits<float>::quiet_NaN();
  EXPECT_TRUE(check_exact(device(), backward_call(c, data, forward, {0})));
}

INSTANTIATE_TEST_SUITE_P(All, ActivationTest, devices_and_cases(FOVEA_TEST_DEVICES, special_cases),
                         case_name<SpecialCase>);

// Numbers by hand: from tables of exp, of the normal distribution Phi and of its density phi.
struct HandCase {
  const char* name;
  const char* why;
  std::shared_ptr<const Layer> layer;
  float x;
  double y, derivative;
  bool small = true;
};
std::ostream& operator<<(std::ostream& out, const HandCase& c) { return out << c.name << " (" << c.why << ")"; }

const std::shared_ptr<const Layer> a_sigmoid = std::make_shared<Sigmoid>(), a_gelu = std::make_shared<Gelu>(),
                                   a_silu = std::make_shared<Silu>();
const std::vector<HandCase> hand_cases{
    {"LeakyReluRight", "the identity", leaky_relu(0.25), 3, 3, 1},
    {"LeakyReluLeft", "-2 / 4", leaky_relu(0.25), -2, -0.5, 0.25},
    {"LeakyReluAtZero", "the slope from the left counts", leaky_relu(0.25), 0, 0, 0.25},
    {"EluRight", "the identity", elu(2), 3, 3, 1},
    {"EluLeft", "2 (1/e - 1)", elu(2), -1, -1.2642411176571153, 0.7357588823428847},
    {"EluAtZero", "the slope from the left counts", elu(2), 0, 0, 2},
    {"SigmoidAtZero", "1/2, slope 1/4", a_sigmoid, 0, 0.5, 0.25},
    {"SigmoidAtOne", "e / (1 + e), e / (1 + e)^2", a_sigmoid, 1, 0.7310585786300049, 0.19661193324148185},
    {"SigmoidAtMinusOne", "1 / (1 + e)", a_sigmoid, -1, 0.2689414213699951, 0.19661193324148185},
    {"GeluAtZero", "0, slope Phi(0)", a_gelu, 0, 0, 0.5},
    {"GeluAtOne", "Phi(1), Phi(1) + phi(1)", a_gelu, 1, 0.8413447460685429, 1.0833154705876863},
    {"GeluAtMinusOne", "-Phi(-1), Phi(-1) - phi(1)", a_gelu, -1, -0.15865525393145707, -0.0833154705876863},
    {"GeluAtMinusTen", "-10 Phi(-10): 23 digits of 1 + erf cancel", a_gelu, -10, -7.619853024160526e-23,
     -7.618400096464814e-22},
    {"SiluAtZero", "0, slope 1/2", a_silu, 0, 0, 0.5},
    {"SiluAtOne", "s(1), s(1) (1 + s(-1))", a_silu, 1, 0.7310585786300049, 0.9276705118714867},
    {"SiluAtMinusOne", "-s(-1), s(-1) (1 - s(1))", a_silu, -1, -0.2689414213699951, 0.07232948812851325},
};

class ActivationByHandTest : public OpTest<HandCase> {};

TEST_P(ActivationByHandTest, ValueAndDerivative) {
  const HandCase& hand = param();
  const LayerCase c = activation_case(hand.name, hand.why, hand.layer, {1});
  LayerData data{.inputs = {Tensor::from({1}, {hand.x})}, .parameters = {}, .state = {}, .output_gradient = {}};
  data.output_gradient = Tensor::from({1}, {1});
  const auto number = [](double v) { return Tensor::from<double>({1}, std::span<const double>(&v, 1)); };
  const Tensor y = number(hand.y), dx = number(hand.derivative);
  const LayerResult forward = rounded(c, forward_truth(c, data));
  const Execution up = execute(device(), forward_call(c, data));
  const Execution down = execute(device(), backward_call(c, data, forward, {0}));
  EXPECT_EQ(up.fault + down.fault, "");
  EXPECT_TRUE(within_tolerance(up.outputs[0], {y, forward_tolerances(c, data)({y})[0]}));
  EXPECT_TRUE(within_tolerance(down.outputs[0], {dx, backward_tolerances(c, data, forward, {0})({dx})[0]}));
  // And the reference to the last digits of float64; the rounding of x / sqrt 2 counts x^2 times in erfc.
  EXPECT_NEAR(forward_truth(c, data).output.span<double>()[0], hand.y,
              1e-15 * (1 + hand.x * hand.x) * std::abs(hand.y));
}

INSTANTIATE_TEST_SUITE_P(All, ActivationByHandTest, devices_and_cases(FOVEA_TEST_DEVICES, hand_cases),
                         case_name<HandCase>);

const bool registered =
    register_layer_tests("ActivationLayer", FOVEA_TEST_DEVICES, activation_cases(), random_activation_case);

}  // namespace
}  // namespace fovea::test
