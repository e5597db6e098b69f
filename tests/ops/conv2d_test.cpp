// SPDX-License-Identifier: Apache-2.0
#include "tests/ops/conv2d_cases.h"

#include "core/tolerance/conv2d.h"
#include "tests/ops/random_configurations.h"
#include "tests/support/fused_relu.h"
#include "tests/support/op_test.h"

namespace fovea::test {
namespace {

// All tensors of one case; the same calls serve exact (integer) and real data.
struct Conv2dData {
  Conv2dOptions options;
  Tensor x, w, bias, dy;

  // Filters and their gradient are plain, however images lie.
  std::function<std::size_t(Ops&, Layout)> workspace(Conv2dPass pass) const {
    return [pass, o = options, s = x.shape(), dtype = x.dtype()](Ops& ops, Layout layout) {
      if (dtype == DType::f32 && layout == Layout::nchw) return ops.conv2d_workspace(pass, o, s);
      return ops.conv2d_workspace_in(pass, o, s, dtype, {layout, layout, layout});
    };
  }
  OpCall forward() const {
    return {.op = "conv2d",
            .inputs = {x, w, bias},
            .outputs = {{dy.shape(), dy.dtype()}},
            .run = [o = options](Ops& ops, auto in, auto out,
                                 Workspace space) { ops.conv2d_forward(o, in[0], in[1], in[2], out[0], space); },
            .workspace = workspace(Conv2dPass::forward),
            .plain_inputs = {1}};
  }
  OpCall backward_data() const {
    return {.op = "conv2d",
            .direction = Direction::backward,
            .inputs = {dy, w},
            .outputs = {{x.shape(), x.dtype()}},
            .run = [o = options](Ops& ops, auto in, auto out,
                                 Workspace space) { ops.conv2d_backward_data(o, in[0], in[1], out[0], space); },
            .workspace = workspace(Conv2dPass::backward_data),
            .plain_inputs = {1}};
  }
  OpCall backward_filter() const {
    return {.op = "conv2d",
            .direction = Direction::backward,
            .inputs = {x, dy},
            .outputs = {{w.shape()}},
            .run = [o = options](Ops& ops, auto in, auto out,
                                 Workspace space) { ops.conv2d_backward_filter(o, in[0], in[1], out[0], space); },
            .workspace = workspace(Conv2dPass::backward_filter),
            .plain_outputs = {0}};
  }

  Tolerances forward_tolerances() const {
    return [*this](const std::vector<Tensor>& truth) {
      const std::vector<Uncertain> inputs{{x.converted(DType::f64), {}}};
      std::vector<Uncertain> parameters{{w.converted(DType::f64), {}}};
      if (options.bias) parameters.push_back({bias.converted(DType::f64), {}});
      Uncertain output{truth[0], {}};
      ForwardToleranceArgs args{truth_ops(), inputs, parameters, output, {}};
      conv2d_forward_tolerance(args, options);
      return std::vector<Tensor>{output.tolerance};
    };
  }
  // The tolerance of one of the two gradients.
  Tolerances backward_tolerances(bool of_data) const {
    return [*this, of_data](const std::vector<Tensor>& truth) {
      Conv2dOptions no_bias = options;
      no_bias.bias = false;
      const std::vector<Uncertain> inputs{{x.converted(DType::f64), {}}}, parameters{{w.converted(DType::f64), {}}};
      const Uncertain gradient{dy.converted(DType::f64), {}};
      Uncertain dx, dw;
      (of_data ? dx : dw).value = truth[0];
      BackwardToleranceArgs args{truth_ops(), inputs, parameters,        Uncertain{},
                                 gradient,    {},     std::span(&dx, 1), std::span(&dw, 1)};
      conv2d_backward_tolerance(args, no_bias);
      return std::vector<Tensor>{(of_data ? dx : dw).tolerance};
    };
  }
};

class Conv2dTest : public OpTest<Conv2dCase> {
 protected:
  static constexpr int range = 8;

  Shape y_shape() const { return conv2d_output_shape(param().options, param().x); }
  Shape w_shape() const { return conv2d_filter_shape(param().options, param().x); }
  // `density` thins the operand that a pass sums over, so that every sum stays exact.
  Conv2dData integer_data(std::int64_t products) const {
    const double density = exact_density(products, range, range);
    const Conv2dOptions& o = param().options;
    return {o, stored(integers(param().x, random(0), range, density)), stored(integers(w_shape(), random(1), range)),
            o.bias ? integers({o.out_channels}, random(2), range) : Tensor{},
            stored(integers(y_shape(), random(3), range, density))};
  }
  Conv2dData real_data() const {
    const Conv2dOptions& o = param().options;
    return {o, stored(reals(param().x, random(4))), stored(reals(w_shape(), random(5))),
            o.bias ? reals({o.out_channels}, random(6)) : Tensor{}, stored(reals(y_shape(), random(7)))};
  }
  // Gradients of pixels that no window touches are 0 by definition.
  ZeroTrust data_trust() const {
    const Conv2dOptions& o = param().options;
    const bool gaps = o.stride.h > o.kernel.h || o.stride.w > o.kernel.w;
    return gaps ? ZeroTrust::off : ZeroTrust::on;
  }
};

TEST_P(Conv2dTest, Forward) {
  const Conv2dGeometry g = conv2d_geometry(param().options, param().x);
  EXPECT_TRUE(check_exact(device(), integer_data(g.channels_per_group() * g.R * g.S + 1).forward()));
  const Conv2dData real = real_data();
  EXPECT_TRUE(check_bound(device(), real.forward(), real.forward_tolerances()));
}

TEST_P(Conv2dTest, BackwardData) {
  const Conv2dGeometry g = conv2d_geometry(param().options, param().x);
  EXPECT_TRUE(check_exact(device(), integer_data(g.filters_per_group() * g.R * g.S).backward_data(), data_trust()));
  const Conv2dData real = real_data();
  EXPECT_TRUE(check_bound(device(), real.backward_data(), real.backward_tolerances(true), data_trust()));
}

TEST_P(Conv2dTest, BackwardFilter) {
  const Conv2dGeometry g = conv2d_geometry(param().options, param().x);
  EXPECT_TRUE(check_exact(device(), integer_data(g.N * g.P * g.Q).backward_filter()));
  const Conv2dData real = real_data();
  EXPECT_TRUE(check_bound(device(), real.backward_filter(), real.backward_tolerances(false)));
}

INSTANTIATE_TEST_SUITE_P(All, Conv2dTest, stored_devices_and_cases(FOVEA_TEST_DEVICES, conv2d_cases()),
                         case_name<Conv2dCase>);

std::vector<LayerCase> conv2d_layers() {
  std::vector<LayerCase> layers;
  for (const Conv2dCase& c : conv2d_cases())
    layers.push_back({.name = c.name,
                      .why = c.why,
                      .layer = std::make_shared<Conv2d>(c.options),
                      .inputs = {c.x},
                      .small = c.small});
  return layers;
}

const bool registered =
    register_layer_tests("Conv2dLayer", FOVEA_TEST_DEVICES, {}, random_conv2d_case) &&
    register_fused_relu_tests("Conv2dLayer", FOVEA_TEST_DEVICES, conv2d_layers(), random_conv2d_case) &&
    register_fused_relu_backward_tests("Conv2dLayer", FOVEA_TEST_DEVICES, conv2d_layers(), random_conv2d_case);

}  // namespace
}  // namespace fovea::test
