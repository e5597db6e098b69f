// SPDX-License-Identifier: Apache-2.0
#include "core/tolerance/tanh.h"

#include <cmath>
#include <limits>

#include "tests/ops/elementwise_cases.h"
#include "tests/ops/random_configurations.h"
#include "tests/support/op_test.h"

namespace fovea::test {
namespace {

class TanhTest : public OpTest<ElementwiseCase> {
 protected:
  static OpCall forward(const Tensor& x) {
    return {.op = "tanh",
            .inputs = {x},
            .outputs = {{x.shape(), x.dtype()}},
            .run = [](Ops& ops, auto in, auto out, Workspace) { ops.tanh_forward(in[0], out[0]); }};
  }
  static OpCall backward(const Tensor& y, const Tensor& dy) {
    return {.op = "tanh",
            .direction = Direction::backward,
            .inputs = {y, dy},
            .outputs = {{y.shape(), y.dtype()}},
            .run = [](Ops& ops, auto in, auto out, Workspace) { ops.tanh_backward(in[0], in[1], out[0]); }};
  }
  static Tolerances forward_tolerances(const Tensor& x) {
    return [x](const std::vector<Tensor>& truth) {
      const std::vector<Uncertain> inputs{{x.converted(DType::f64), {}}};
      Uncertain output{truth[0], {}};
      ForwardToleranceArgs args{truth_ops(), inputs, {}, output, {}};
      tanh_forward_tolerance(args);
      return std::vector<Tensor>{output.tolerance};
    };
  }
};

TEST_P(TanhTest, Forward) {
  const Tensor x = stored(reals(param().x, random(0), -3, 3));
  EXPECT_TRUE(check_bound(device(), forward(x), forward_tolerances(x)));
  // Tiny arguments (where tanh x = x), saturated ones, and what is not a number.
  Tensor wide = reals(param().x, random(1));
  RandomStream exponents = random(2);
  for (float& v : wide.span<float>()) v = std::ldexp(v, static_cast<int>(exponents.below(60)) - 50);
  wide.span<float>()[0] = std::numeric_limits<float>::quiet_NaN();
  if (wide.elements() > 2) wide.span<float>()[2] = -std::numeric_limits<float>::infinity();
  wide = stored(wide);
  EXPECT_TRUE(check_bound(device(), forward(wide), forward_tolerances(wide), ZeroTrust::off));
}

TEST_P(TanhTest, Backward) {
  Tensor y = reals(param().x, random(3), -3, 3);
  for (float& v : y.span<float>()) v = std::tanh(v);
  y = stored(y);
  const Tensor dy = stored(reals(param().x, random(4)));
  const Tolerances tolerances = [&](const std::vector<Tensor>& truth) {
    const Uncertain output{y.converted(DType::f64), {}}, gradient{dy.converted(DType::f64), {}};
    Uncertain dx{truth[0], {}};
    BackwardToleranceArgs args{truth_ops(), {}, {}, output, gradient, {}, {&dx, 1}, {}};
    tanh_backward_tolerance(args);
    return std::vector<Tensor>{dx.tolerance};
  };
  EXPECT_TRUE(check_bound(device(), backward(y, dy), tolerances));
}

INSTANTIATE_TEST_SUITE_P(All, TanhTest, stored_devices_and_cases(FOVEA_TEST_DEVICES, elementwise_cases()),
                         case_name<ElementwiseCase>);

const bool registered = register_layer_tests("TanhLayer", FOVEA_TEST_DEVICES, {}, random_tanh_case);

}  // namespace
}  // namespace fovea::test
