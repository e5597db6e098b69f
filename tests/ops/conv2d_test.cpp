// SPDX-License-Identifier: Apache-2.0
#include "tests/ops/conv2d_cases.h"

#include <algorithm>
#include <string>

#include "core/tolerance/conv2d.h"
#include "tests/ops/conv2d_net_cases.h"
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

// The convolutions of the nets, for every kernel: in one of the orders of a block's threads, and the tensor cores' in both
// of their types. The other orders are for the table above.
auto net_runs() {
  std::vector<std::tuple<TestDevice, Conv2dCase>> runs;
  const auto add = [&](const TestDevice& device) {
    for (const char* order : {"@forward", "@reverse"})
      if (device.spec.find(order) != std::string::npos) return;
    for (const Conv2dCase& c : selected(conv2d_net_cases())) runs.emplace_back(device, c);
  };
  for (const TestDevice& device : test_devices(FOVEA_TEST_DEVICES)) add(device);
  for (const TestDevice& device : test_devices_in_16_bits(FOVEA_TEST_DEVICES))
    if (stores_16_bits_only(device.spec)) add(device);
  return testing::ValuesIn(runs);
}
INSTANTIATE_TEST_SUITE_P(Nets, Conv2dTest, net_runs(), case_name<Conv2dCase>);

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

constexpr std::uint64_t few_random = 10;

const bool registered =
    register_layer_tests("Conv2dLayer", FOVEA_TEST_DEVICES, {}, random_conv2d_case, StoredTypes::all, few_random) &&
    register_fused_relu_tests("Conv2dLayer", FOVEA_TEST_DEVICES, conv2d_layers(), random_conv2d_case) &&
    register_fused_relu_backward_tests("Conv2dLayer", FOVEA_TEST_DEVICES, conv2d_layers(), random_conv2d_case);

// Whether a kernel's tiles end in the case as they do in the net; said here without the rule that made the case.
bool ends_alike(const Conv2dCase& c, const NetConv2d& net) {
  if (!same_windows(c.options, net.options)) return false;
  const Conv2dOptions& o = net.options;
  const Conv2dGeometry small = conv2d_geometry(c.options, c.x), large = conv2d_geometry(o, net.x);
  const auto unread = [&](const Conv2dGeometry& g) {
    return Size2(g.H + o.padding.top + o.padding.bottom - (g.P - 1) * g.stride_h - (g.R - 1) * g.dilation_h - 1,
                 g.W + o.padding.left + o.padding.right - (g.Q - 1) * g.stride_w - (g.S - 1) * g.dilation_w - 1);
  };
  return small.channels_per_group() % 64 == large.channels_per_group() % 64 &&
         small.filters_per_group() % 64 == large.filters_per_group() % 64 && unread(small) == unread(large);
}
// The layers of the nets that have no case.
std::vector<std::string> without_case(const std::vector<Conv2dCase>& cases) {
  std::vector<std::string> layers;
  for (const NetConv2d& net : convolutions_of_nets())
    if (std::ranges::none_of(cases, [&](const Conv2dCase& c) { return ends_alike(c, net); }))
      layers.push_back(net.layer);
  return layers;
}

TEST(Conv2dNetCases, CoverEveryConvolutionOfTheNets) {
  const std::vector<Conv2dCase>& cases = conv2d_net_cases();
  EXPECT_EQ(without_case(cases), std::vector<std::string>());
  // None of them is for nothing.
  for (std::size_t i = 0; i < cases.size(); ++i) {
    std::vector<Conv2dCase> fewer = cases;
    fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
    EXPECT_FALSE(without_case(fewer).empty()) << cases[i];
  }
  for (const Conv2dCase& c : cases) {
    const Conv2dGeometry g = conv2d_geometry(c.options, c.x);
    EXPECT_EQ(g.P % 2 * (g.Q % 2), 1) << c;
    EXPECT_LE(g.channels_per_group(), 64) << c;
    EXPECT_LE(g.filters_per_group(), 64) << c;
  }
}

// What the papers have: a fault in reading the graphs would take the layers from both lists above.
TEST(Conv2dNetCases, HaveWhatThePapersHave) {
  const std::vector<Conv2dOptions> wanted{
      {.out_channels = 32, .kernel = 11, .stride = 4},                // alexnet-2012: 96
      {.out_channels = 128, .kernel = 5, .padding = 2, .groups = 2},  // 256
      {.out_channels = 64, .kernel = 3, .padding = 1},                // 384, as vgg16's
      {.out_channels = 128, .kernel = 3, .padding = 1, .groups = 2},  // 384, 256
      {.out_channels = 64, .kernel = 11, .stride = 4, .padding = 2},  // alexnet
      {.out_channels = 64, .kernel = 5, .padding = 2},                // 192
      {.out_channels = 64, .kernel = 7, .stride = 2, .padding = 3},   // resnet18, resnet50
      {.out_channels = 64, .kernel = 3, .stride = 2, .padding = 1},
      {.out_channels = 64, .kernel = 1, .stride = 2},
      {.out_channels = 64, .kernel = 1},  // resnet50
  };
  for (const Conv2dOptions& o : wanted)
    EXPECT_TRUE(std::ranges::any_of(
        conv2d_net_cases(),
        [&](const Conv2dCase& c) { return same_windows(c.options, o) && c.options.out_channels == o.out_channels; }))
        << o.kernel.h << "x" << o.kernel.w << ", stride " << o.stride.h << ", groups " << o.groups;
}

}  // namespace
}  // namespace fovea::test
