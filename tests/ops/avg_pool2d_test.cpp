// SPDX-License-Identifier: Apache-2.0
#include "core/tolerance/avg_pool2d.h"

#include "tests/ops/avg_pool2d_cases.h"
#include "tests/ops/random_configurations.h"
#include "tests/support/fused_relu.h"
#include "tests/support/op_test.h"

namespace fovea::test {
namespace {

class AvgPool2dTest : public OpTest<AvgPool2dCase> {
 protected:
  OpCall forward(const Tensor& x) const {
    return {.op = "avg_pool2d",
            .inputs = {x},
            .outputs = {{avg_pool2d_output_shape(param().options, x.shape()), x.dtype()}},
            .run = [o = param().options](Ops& ops, auto in, auto out, Workspace) {
              ops.avg_pool2d_forward(o, in[0], out[0]);
            }};
  }
  OpCall backward(const Tensor& dy) const {
    return {.op = "avg_pool2d",
            .direction = Direction::backward,
            .inputs = {dy},
            .outputs = {{param().x, dy.dtype()}},
            .run = [o = param().options](Ops& ops, auto in, auto out, Workspace) {
              ops.avg_pool2d_backward(o, in[0], out[0]);
            }};
  }
  // A division by a power of two is exact; by anything else the result is rounded, and exact data prove nothing more
  // than real data do.
  bool exact_divisors() const {
    const AvgPool2dOptions& o = param().options;
    if (o.sum) return true;
    const auto power_of_two = [](std::int64_t n) { return (n & (n - 1)) == 0; };
    return power_of_two(o.kernel.h * o.kernel.w) && o.count_include_pad && !o.ceil_mode;
  }
  ZeroTrust gradient_trust() const {
    const AvgPool2dOptions& o = param().options;
    return o.stride.h > o.kernel.h || o.stride.w > o.kernel.w ? ZeroTrust::off : ZeroTrust::on;
  }
};

TEST_P(AvgPool2dTest, Forward) {
  if (exact_divisors()) {
    EXPECT_TRUE(check_exact(device(), forward(stored(integers(param().x, random(0), 100)))));
  }
  const Tensor x = stored(reals(param().x, random(1)));
  EXPECT_TRUE(check_bound(device(), forward(x), [&](const std::vector<Tensor>& truth) {
    const std::vector<Uncertain> inputs{{x.converted(DType::f64), {}}};
    Uncertain output{truth[0], {}};
    ForwardToleranceArgs args{truth_ops(), inputs, {}, output, {}};
    avg_pool2d_forward_tolerance(args, param().options);
    return std::vector<Tensor>{output.tolerance};
  }));
}

TEST_P(AvgPool2dTest, Backward) {
  const Shape y = avg_pool2d_output_shape(param().options, param().x);
  if (exact_divisors()) {
    EXPECT_TRUE(check_exact(device(), backward(stored(integers(y, random(2), 100))), gradient_trust()));
  }
  const Tensor dy = stored(reals(y, random(3)));
  const Tolerances tolerances = [&](const std::vector<Tensor>& truth) {
    const std::vector<Uncertain> inputs(1);
    const Uncertain output, gradient{dy.converted(DType::f64), {}};
    Uncertain dx{truth[0], {}};
    BackwardToleranceArgs args{truth_ops(), inputs, {}, output, gradient, {}, {&dx, 1}, {}};
    avg_pool2d_backward_tolerance(args, param().options);
    return std::vector<Tensor>{dx.tolerance};
  };
  EXPECT_TRUE(check_bound(device(), backward(dy), tolerances, gradient_trust()));
}

INSTANTIATE_TEST_SUITE_P(All, AvgPool2dTest, stored_devices_and_cases(FOVEA_TEST_DEVICES, avg_pool2d_cases()),
                         case_name<AvgPool2dCase>);

std::vector<LayerCase> avg_pool2d_layers() {
  std::vector<LayerCase> layers;
  for (const AvgPool2dCase& c : avg_pool2d_cases())
    layers.push_back({.name = c.name,
                      .why = c.why,
                      .layer = std::make_shared<AvgPool2d>(c.options),
                      .inputs = {c.x},
                      .small = c.small});
  return layers;
}

const bool registered = register_layer_tests("AvgPool2dLayer", FOVEA_TEST_DEVICES, {}, random_avg_pool2d_case) &&
                        register_fused_relu_backward_tests("AvgPool2dLayer", FOVEA_TEST_DEVICES, avg_pool2d_layers(),
                                                           random_avg_pool2d_case);
const bool registered_sum =
    register_layer_tests("SumPool2d", FOVEA_TEST_DEVICES, {}, random_sum_pool2d_case) &&
    register_fused_relu_backward_tests("SumPool2d", FOVEA_TEST_DEVICES, {}, random_sum_pool2d_case);

}  // namespace
}  // namespace fovea::test
