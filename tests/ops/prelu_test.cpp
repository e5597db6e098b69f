// SPDX-License-Identifier: Apache-2.0
#include <limits>

#include "core/support/error.h"
#include "tests/ops/prelu_cases.h"
#include "tests/support/layer_checks.h"
#include "tests/support/op_test.h"

namespace fovea::test {
namespace {

constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();
constexpr float infinity = std::numeric_limits<float>::infinity();

struct PreluCase {
  const char* name;
  const char* why;
  bool shared;
  bool small = true;
};
std::ostream& operator<<(std::ostream& out, const PreluCase& c) { return out << c.name << " (" << c.why << ")"; }

const std::vector<PreluCase> slopes{{"PerChannel", "two slopes", false}, {"Shared", "one slope", true}};

// x [2, 2, 3]: samples, channels, positions.
const std::vector<float> numbers{1, -2, 0, 4, -1, -8, -6, 2, 3, -1, 5, -0.25f};
const std::vector<float> gradients{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};

class PreluTest : public OpTest<PreluCase> {
 protected:
  Execution run(Direction direction, const std::vector<float>& x, const std::vector<float>& dy) {
    const auto tensor = [](const std::vector<float>& v) { return Tensor::from<float>({2, 2, 3}, v); };
    const LayerCase c = prelu_case(param().name, param().why, {2, 2, 3}, param().shared);
    const Tensor slope = param().shared ? Tensor::from({1}, {0.5f}) : Tensor::from({2}, {0.5f, -4});
    const LayerData data{.inputs = {tensor(x)}, .parameters = {slope}, .state = {}, .output_gradient = tensor(dy)};
    if (direction == Direction::forward) return execute(device(), forward_call(c, data));
    return execute(device(), backward_call(c, data, {}, {0}));
  }
  static void expect_values(const Tensor& actual, std::initializer_list<float> values) {
    EXPECT_TRUE(equal_to_truth(actual, Tensor::from(actual.shape(), values)));
  }
};

TEST_P(PreluTest, ByHand) {
  const Execution up = run(Direction::forward, numbers, gradients), down = run(Direction::backward, numbers, gradients);
  EXPECT_EQ(up.fault + down.fault, "");
  if (param().shared) {
    expect_values(up.outputs[0], {1, -1, 0, 4, -0.5f, -4, -3, 2, 3, -0.5f, 5, -0.125f});
    expect_values(down.outputs[0], {1, 1, 1.5f, 4, 2.5f, 3, 3.5f, 8, 9, 5, 11, 6});
    expect_values(down.outputs[1], {-46 - 66});
  } else {
    expect_values(up.outputs[0], {1, -1, 0, 4, 4, 32, -3, 2, 3, 4, 5, 1});
    expect_values(down.outputs[0], {1, 1, 1.5f, 4, -20, -24, 3.5f, 8, 9, -40, 11, -48});
    // -2*2 + 0*3 - 6*7 and -1*5 - 8*6 - 1*10 - 0.25*12
    expect_values(down.outputs[1], {-46, -66});
  }
}

TEST_P(PreluTest, NaNAndInfinityStay) {
  const std::vector<float> special{1.0f,  not_a_number, infinity, 4.0f,  -infinity, -8.0f,
                                   -6.0f, 2.0f,         3.0f,     -1.0f, 5.0f,      -0.25f};
  const Execution up = run(Direction::forward, special, gradients), down = run(Direction::backward, special, gradients);
  if (param().shared) {
    expect_values(up.outputs[0], {1, not_a_number, infinity, 4, -infinity, -4, -3, 2, 3, -0.5f, 5, -0.125f});
    expect_values(down.outputs[1], {not_a_number});
  } else {
    expect_values(up.outputs[0], {1, not_a_number, infinity, 4, infinity, 32, -3, 2, 3, 4, 5, 1});
    expect_values(down.outputs[1], {not_a_number, -infinity});
  }
  // The derivative at a NaN is that of the left side, as in PyTorch.
  const float slope = param().shared ? 0.5f : -4;
  expect_values(down.outputs[0], {1, 1, 3, 4, 5 * slope, 6 * slope, 3.5f, 8, 9, 10 * slope, 11, 12 * slope});
  // A NaN gradient passes to x where it is, and to the slope unless x is positive.
  const std::vector<float> gradient{not_a_number, 2.0f, 3.0f, 4.0f,  5.0f,  not_a_number,
                                    7.0f,         8.0f, 9.0f, 10.0f, 11.0f, 12.0f};
  const Execution from_above = run(Direction::backward, numbers, gradient);
  expect_values(from_above.outputs[0],
                {not_a_number, 1, 1.5f, 4, 5 * slope, not_a_number, 3.5f, 8, 9, 10 * slope, 11, 12 * slope});
  param().shared ? expect_values(from_above.outputs[1], {not_a_number})
                 : expect_values(from_above.outputs[1], {-46, not_a_number});
}

TEST_P(PreluTest, RefusesWhatDoesNotFit) {
  Ops& ops = *device().choose("prelu", Direction::forward, {}).ops;
  const auto message = [&](const auto& call) -> std::string {
    try {
      call();
    } catch (const InputError& e) {
      return e.what();
    }
    return "accepted";
  };
  Tensor x({2, 3, 4}, DType::f32, device().memory()), y = x, wrong({2}, DType::f32, device().memory());
  const std::string slope = message([&] { ops.prelu_forward(x.view(), wrong.view(), y.view()); });
  EXPECT_NE(slope.find("expected a slope [3] (one for each channel) or [1], got [2]"), std::string::npos) << slope;
  const std::string axes = message([&] { ops.prelu_forward(wrong.view(), wrong.view(), wrong.view()); });
  EXPECT_NE(axes.find("expected an input [N, channels, ...], got [2]"), std::string::npos) << axes;
}

INSTANTIATE_TEST_SUITE_P(All, PreluTest, devices_and_cases(FOVEA_TEST_DEVICES, slopes), case_name<PreluCase>);

const bool registered = register_layer_tests("PreluLayer", FOVEA_TEST_DEVICES, prelu_cases(), random_prelu_case);

}  // namespace
}  // namespace fovea::test
