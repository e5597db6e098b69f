// SPDX-License-Identifier: Apache-2.0
#include "core/tolerance/linear.h"

#include <algorithm>

#include "tests/ops/linear_cases.h"
#include "tests/ops/random_configurations.h"
#include "tests/support/fused_relu.h"
#include "tests/support/op_test.h"

namespace fovea::test {
namespace {

struct LinearData {
  LinearOptions options;
  Tensor x, w, bias, dy;

  std::function<std::size_t(Ops&, Layout)> workspace(LinearPass pass) const {
    return [pass, o = options, s = x.shape(), dtype = x.dtype()](Ops& ops, Layout) {
      return ops.linear_workspace_in(pass, o, s, dtype);
    };
  }
  OpCall forward() const {
    return {.op = "linear",
            .inputs = {x, w, bias},
            .outputs = {{dy.shape(), dy.dtype()}},
            .run = [o = options](Ops& ops, auto in, auto out,
                                 Workspace space) { ops.linear_forward(o, in[0], in[1], in[2], out[0], space); },
            .workspace = workspace(LinearPass::forward)};
  }
  OpCall backward_data() const {
    return {.op = "linear",
            .direction = Direction::backward,
            .inputs = {dy, w},
            .outputs = {{x.shape(), x.dtype()}},
            .run = [o = options](Ops& ops, auto in, auto out,
                                 Workspace space) { ops.linear_backward_data(o, in[0], in[1], out[0], space); },
            .workspace = workspace(LinearPass::backward_data)};
  }
  OpCall backward_weight() const {
    return {.op = "linear",
            .direction = Direction::backward,
            .inputs = {x, dy},
            .outputs = {{w.shape()}},
            .run = [o = options](Ops& ops, auto in, auto out,
                                 Workspace space) { ops.linear_backward_weight(o, in[0], in[1], out[0], space); },
            .workspace = workspace(LinearPass::backward_weight)};
  }

  Tolerances forward_tolerances() const {
    return [*this](const std::vector<Tensor>& truth) {
      const std::vector<Uncertain> inputs{{x.converted(DType::f64), {}}};
      std::vector<Uncertain> parameters{{w.converted(DType::f64), {}}};
      if (options.bias) parameters.push_back({bias.converted(DType::f64), {}});
      Uncertain output{truth[0], {}};
      ForwardToleranceArgs args{truth_ops(), inputs, parameters, output, {}};
      linear_forward_tolerance(args, options);
      return std::vector<Tensor>{output.tolerance};
    };
  }
  Tolerances backward_tolerances(bool of_data) const {
    return [*this, of_data](const std::vector<Tensor>& truth) {
      LinearOptions no_bias = options;
      no_bias.bias = false;
      const std::vector<Uncertain> inputs{{x.converted(DType::f64), {}}}, parameters{{w.converted(DType::f64), {}}};
      const Uncertain output, gradient{dy.converted(DType::f64), {}};
      Uncertain dx, dw;
      (of_data ? dx : dw).value = truth[0];
      BackwardToleranceArgs args{truth_ops(), inputs, parameters, output, gradient, {}, {&dx, 1}, {&dw, 1}};
      linear_backward_tolerance(args, no_bias);
      return std::vector<Tensor>{(of_data ? dx : dw).tolerance};
    };
  }
};

class LinearTest : public OpTest<LinearCase> {
 protected:
  static constexpr int range = 8;

  LinearData integer_data(std::int64_t products) const {
    const double density = exact_density(products, range, range);
    const LinearOptions& o = param().options;
    return {o, stored(integers(param().x, random(0), range, density)),
            stored(integers(linear_weight_shape(o, param().x), random(1), range)),
            o.bias ? integers({o.out_features}, random(2), range) : Tensor{},
            stored(integers(linear_output_shape(o, param().x), random(3), range, density))};
  }
  LinearData real_data() const {
    const LinearOptions& o = param().options;
    return {o, stored(reals(param().x, random(4))), stored(reals(linear_weight_shape(o, param().x), random(5))),
            o.bias ? reals({o.out_features}, random(6)) : Tensor{},
            stored(reals(linear_output_shape(o, param().x), random(7)))};
  }
};

TEST_P(LinearTest, Forward) {
  const LinearGeometry g = linear_geometry(param().options, param().x);
  EXPECT_TRUE(check_exact(device(), integer_data(g.I + 1).forward()));
  const LinearData real = real_data();
  EXPECT_TRUE(check_bound(device(), real.forward(), real.forward_tolerances()));
}

TEST_P(LinearTest, BackwardData) {
  const LinearGeometry g = linear_geometry(param().options, param().x);
  EXPECT_TRUE(check_exact(device(), integer_data(g.O).backward_data()));
  const LinearData real = real_data();
  EXPECT_TRUE(check_bound(device(), real.backward_data(), real.backward_tolerances(true)));
}

TEST_P(LinearTest, BackwardWeight) {
  const LinearGeometry g = linear_geometry(param().options, param().x);
  EXPECT_TRUE(check_exact(device(), integer_data(g.N).backward_weight()));
  const LinearData real = real_data();
  EXPECT_TRUE(check_bound(device(), real.backward_weight(), real.backward_tolerances(false)));
}

// Factors that f16 does not have: a library that multiplied bf16 as f16 would find infinities and zeros.
TEST_P(LinearTest, FactorsBeyondF16) {
  if (storage() == DType::f16) return;
  const LinearGeometry g = linear_geometry(param().options, param().x);
  LinearData data = integer_data(std::max({g.I + 1, g.O, g.N}));
  const auto scale = [&](Tensor& t, float by) {
    Tensor scaled = t.converted(DType::f32);
    for (float& value : scaled.span<float>()) value *= by;
    t = stored(scaled);
  };
  scale(data.x, 0x1p40f);
  scale(data.w, 0x1p-40f);
  scale(data.dy, 0x1p40f);
  EXPECT_TRUE(check_exact(device(), data.forward()));
  EXPECT_TRUE(check_exact(device(), data.backward_data()));
  EXPECT_TRUE(check_exact(device(), data.backward_weight()));
}

INSTANTIATE_TEST_SUITE_P(All, LinearTest, stored_devices_and_cases(FOVEA_TEST_DEVICES, linear_cases()),
                         case_name<LinearCase>);

std::vector<LayerCase> linear_layers() {
  std::vector<LayerCase> layers;
  for (const LinearCase& c : linear_cases())
    layers.push_back({.name = c.name,
                      .why = c.why,
                      .layer = std::make_shared<Linear>(c.options),
                      .inputs = {c.x},
                      .small = c.small});
  return layers;
}

// 16 bits are multiplied on tensor cores, by kernels of their own.
constexpr std::uint64_t few_random = 10;

// An engine whose float32 needs what others' does not (native-fp32x3) says so when it is asked by type.
TEST(LinearWorkspace, OfFloat32IsThePlainOneOnTheReference) {
  const LinearOptions options{.out_features = 10};
  for (const LinearPass pass : {LinearPass::forward, LinearPass::backward_data, LinearPass::backward_weight})
    EXPECT_EQ(truth_ops().linear_workspace_in(pass, options, {4, 16, 5, 5}, DType::f32),
              truth_ops().linear_workspace(pass, options, {4, 16, 5, 5}));
}

const bool registered =
    register_layer_tests("LinearLayer", FOVEA_TEST_DEVICES, {}, random_linear_case, StoredTypes::all_in_full,
                         few_random) &&
    register_fused_relu_tests("LinearLayer", FOVEA_TEST_DEVICES, linear_layers(), random_linear_case) &&
    register_fused_relu_backward_tests("LinearLayer", FOVEA_TEST_DEVICES, linear_layers(), random_linear_case);

}  // namespace
}  // namespace fovea::test
