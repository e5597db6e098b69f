// SPDX-License-Identifier: Apache-2.0
#include "core/tolerance/bias.h"

#include <cmath>

#include "core/tolerance/bound.h"
#include "tests/ops/bias_cases.h"
#include "tests/support/op_test.h"

namespace fovea::test {
namespace {

class BiasTest : public OpTest<BiasCase> {
 protected:
  static OpCall add(const Tensor& bias, const Tensor& y) {
    return {.op = "bias",
            .inputs = {bias},
            .outputs = {{y.shape(), y.dtype(), y}},
            .run = [](Ops& ops, auto in, auto out, Workspace) { ops.bias_add(in[0], out[0]); }};
  }
  static OpCall gradient(const Tensor& dy) {
    return {.op = "bias",
            .direction = Direction::backward,
            .inputs = {dy},
            .outputs = {{Shape{dy.shape()[1]}}},
            .run = [](Ops& ops, auto in, auto out, Workspace w) { ops.bias_gradient(in[0], out[0], w); },
            .workspace = [s = dy.shape()](Ops& ops, Layout layout) { return ops.bias_gradient_workspace(s, layout); }};
  }
};

TEST_P(BiasTest, Add) {
  const Shape channels{param().y[1]};
  EXPECT_TRUE(
      check_exact(device(), add(integers(channels, random(0), 100), stored(integers(param().y, random(1), 100)))));
  const Tolerances one_addition = [](const std::vector<Tensor>& truth) {
    Tensor tolerance = make_tolerance(truth[0]);
    for (std::size_t i = 0; i < values(truth[0]).size(); ++i)
      tolerance.span<double>()[i] = operation_bound * std::abs(values(truth[0])[i]);
    return std::vector<Tensor>{tolerance};
  };
  EXPECT_TRUE(
      check_bound(device(), add(reals(channels, random(2)), stored(reals(param().y, random(3)))), one_addition));
}

TEST_P(BiasTest, Gradient) {
  EXPECT_TRUE(check_exact(device(), gradient(stored(integers(param().y, random(4), 100)))));
  const Tensor dy = stored(reals(param().y, random(5)));
  EXPECT_TRUE(check_bound(device(), gradient(dy), [&](const std::vector<Tensor>& truth) {
    Uncertain dbias{truth[0], {}};
    bias_gradient_tolerance(truth_ops(), {dy.converted(DType::f64), {}}, dbias);
    return std::vector<Tensor>{dbias.tolerance};
  }));
}

INSTANTIATE_TEST_SUITE_P(All, BiasTest, stored_devices_and_cases(FOVEA_TEST_DEVICES, bias_cases()),
                         case_name<BiasCase>);

}  // namespace
}  // namespace fovea::test
