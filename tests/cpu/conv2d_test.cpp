// SPDX-License-Identifier: Apache-2.0
//
// Convolutions in the layouts that the engine chooses for them, which depend on the geometry.
#include "core/layers/conv2d.h"

#include <gtest/gtest.h>

#include <set>
#include <tuple>

#include "core/backend/device_list.h"
#include "core/support/error.h"
#include "cpu/conv2d_onednn.h"
#include "tests/cpu/all_layouts.h"
#include "tests/support/converted_backend.h"
#include "tests/support/layer_checks.h"

namespace fovea::test {
namespace {

struct Geometry {
  const char* name;
  Shape x;
  Conv2dOptions options;
};
std::ostream& operator<<(std::ostream& out, const Geometry& g) { return out << g.name; }

const std::vector<Geometry>& geometries() {
  static const std::vector<Geometry> all{
      {"LeNetConv1", {3, 1, 28, 28}, {.out_channels = 6, .kernel = 5, .padding = 2}},
      {"LeNetConv2", {3, 6, 14, 14}, {.out_channels = 16, .kernel = 5}},
      {"AlexNetConv1", {1, 3, 67, 67}, {.out_channels = 64, .kernel = 11, .stride = 4, .padding = 2}},
      {"ResNetConv1", {2, 3, 16, 16}, {.out_channels = 16, .kernel = 3, .padding = 1, .bias = false}},
      {"FullBlocks", {2, 16, 8, 8}, {.out_channels = 32, .kernel = 3, .padding = 1}},
      {"Halving", {2, 16, 8, 8}, {.out_channels = 32, .kernel = 3, .stride = 2, .padding = 1, .bias = false}},
      {"Shortcut", {2, 16, 8, 8}, {.out_channels = 32, .kernel = 1, .stride = 2, .bias = false}},
      {"OneByOne", {2, 17, 5, 7}, {.out_channels = 33, .kernel = 1}},
      {"OddChannels", {2, 5, 9, 11}, {.out_channels = 7, .kernel = 3, .padding = 1}},
      {"Grouped", {2, 32, 7, 7}, {.out_channels = 64, .kernel = 3, .padding = 1, .groups = 2}},
      {"GroupedOdd", {2, 6, 7, 7}, {.out_channels = 9, .kernel = 3, .groups = 3}},
      {"Depthwise", {2, 16, 9, 9}, {.out_channels = 16, .kernel = 3, .padding = 1, .groups = 16}},
      {"DepthwiseOdd", {2, 5, 9, 9}, {.out_channels = 5, .kernel = 3, .padding = 1, .groups = 5}},
      {"Strided", {2, 3, 11, 13}, {.out_channels = 4, .kernel = 2, .stride = {3, 4}}},
      {"Dilated", {2, 16, 12, 12}, {.out_channels = 16, .kernel = 3, .padding = 2, .dilation = 2}},
      {"Asymmetric", {2, 4, 7, 8}, {.out_channels = 5, .kernel = 3, .padding = {0, 1, 2, 2}}},
      {"TinyImage", {4, 64, 2, 2}, {.out_channels = 64, .kernel = 3, .padding = 1}},
      {"TinyImages", {16, 32, 2, 2}, {.out_channels = 48, .kernel = 3, .padding = 1}},
      {"TinyImagesOdd", {17, 5, 2, 3}, {.out_channels = 7, .kernel = {3, 4}, .padding = {1, 1, 1, 1}}},
      {"TinyImagesStrided", {16, 9, 3, 2}, {.out_channels = 18, .kernel = {5, 4}, .stride = 2, .padding = 2}},
      {"WholeInputs", {16, 20, 5, 5}, {.out_channels = 12, .kernel = 5}},
      {"SinglePixel", {1, 1, 1, 1}, {.out_channels = 1}},
      {"WholeInput", {3, 16, 5, 5}, {.out_channels = 120, .kernel = 5}},
  };
  return all;
}

auto as_tuple(const Conv2dLayouts& l) { return std::tuple(l.x, l.y, l.dx); }
std::string describe(const Conv2dLayouts& l) {
  return "x " + std::string(name_of(l.x)) + ", y " + std::string(name_of(l.y)) + ", dx " + std::string(name_of(l.dx));
}

class CpuConv2d : public testing::TestWithParam<Geometry> {
 protected:
  // All answers that the engine gives for this geometry, each once; plain images too, which tests of operations use.
  std::vector<Conv2dLayouts> choices(bool training) {
    std::vector<Conv2dLayouts> result{{}};
    std::set<std::tuple<Layout, Layout, Layout>> seen{as_tuple({})};
    for (const Layout given : all_layouts) {
      const Conv2dLayouts chosen = cpu_.conv2d_layouts(GetParam().options, GetParam().x, DType::f32, given, training);
      if (seen.insert(as_tuple(chosen)).second) result.push_back(chosen);
    }
    return result;
  }

  std::unique_ptr<Backend> backend_ = open_device("cpu");
  Ops& cpu_ = *backend_->choose("conv2d", Direction::forward, {}).ops;
};

TEST_P(CpuConv2d, EveryChoiceIsRight) {
  for (const bool training : {true, false})
    for (const Conv2dLayouts& layouts : choices(training)) {
      const auto device = make_converted_backend(*backend_, {.inside_conv2d = layouts});
      const LayerCase c{.name = GetParam().name,
                        .layer = std::make_shared<Conv2d>(GetParam().options),
                        .inputs = {GetParam().x},
                        .exact_forward = true,
                        .exact_backward = true,
                        .backward_trust = ZeroTrust::off};
      EXPECT_TRUE(check_forward(*device, c)) << describe(layouts);
      if (!training) continue;
      EXPECT_TRUE(check_backward(*device, c)) << describe(layouts);
    }
}

TEST_P(CpuConv2d, NoChoiceIsAPlainLoop) {
  cpu::Conv2dOnednn convolutions;
  const Shape& x = GetParam().x;
  const Conv2dOptions& options = GetParam().options;
  for (const bool training : {true, false})
    for (const Layout given : all_layouts) {
      const Conv2dLayouts layouts = convolutions.layouts(options, x, given, training);
      const auto is_plain_loop = [&](Conv2dPass pass) {
        return convolutions.implementation(pass, options, x, layouts).starts_with("ref");
      };
      const std::string which = describe(layouts) + ", given " + std::string(name_of(given));
      EXPECT_FALSE(is_plain_loop(Conv2dPass::forward)) << which;
      if (!training) continue;
      EXPECT_FALSE(is_plain_loop(Conv2dPass::backward_filter)) << which;
      // The first layer of a net needs no gradient of its image.
      EXPECT_TRUE(x[1] <= 4 || !is_plain_loop(Conv2dPass::backward_data)) << which;
    }
}

// 16 channels lie alike in nhwc and in a block of 16; oneDNN knows only one name of the two beside nchw16c.
TEST(CpuConv2dLayouts, OfTheSameBytesAreAlikeToOneDnn) {
  cpu::Conv2dOnednn convolutions;
  const Conv2dOptions options{.out_channels = 32, .kernel = 3, .padding = 1};
  const Conv2dLayouts mixed{.x = Layout::nhwc, .y = Layout::nchw16c, .dx = Layout::nhwc};
  for (const Conv2dPass pass : {Conv2dPass::forward, Conv2dPass::backward_data, Conv2dPass::backward_filter}) {
    // Processors without AVX-512 have nothing for blocks of 16, whatever they are called.
    const Conv2dLayouts blocks{.x = Layout::nchw16c, .y = Layout::nchw16c, .dx = Layout::nchw16c};
    EXPECT_EQ(convolutions.implementation(pass, options, {2, 16, 8, 8}, mixed),
              convolutions.implementation(pass, options, {2, 16, 8, 8}, blocks));
    EXPECT_TRUE(convolutions.implementation(pass, options, {2, 17, 8, 8}, mixed).starts_with("ref")) << "to be avoided";
  }
}

TEST_P(CpuConv2d, RefusesASmallWorkspace) {
  const Shape& x_shape = GetParam().x;
  const Conv2dOptions& options = GetParam().options;
  const Conv2dLayouts layouts = cpu_.conv2d_layouts(options, x_shape, DType::f32, Layout::nchw, true);
  const Shape y_shape = conv2d_output_shape(options, x_shape);
  Tensor x = Tensor::zeros(x_shape).in_layout(layouts.x), y = Tensor::zeros(y_shape).in_layout(layouts.y);
  Tensor dx = Tensor::zeros(x_shape).in_layout(layouts.dx), w = Tensor::zeros(conv2d_filter_shape(options, x_shape));
  const Tensor bias = Tensor::zeros({options.out_channels});
  const auto check = [&](Conv2dPass pass, auto&& run) {
    const std::size_t bytes = cpu_.conv2d_workspace_in(pass, options, x_shape, DType::f32, layouts);
    if (bytes == 0) return;
    Tensor space(Shape{static_cast<std::int64_t>(bytes)}, DType::u8);
    EXPECT_NO_THROW(run(Workspace{space.view().data, bytes}));
    try {
      run(Workspace{space.view().data, bytes - 1});
      ADD_FAILURE() << "pass " << static_cast<int>(pass) << " ran in less than it asked for";
    } catch (const InputError& error) {
      EXPECT_EQ(error.what(), "conv2d: expected a workspace of " + std::to_string(bytes) + " bytes, got " +
                                  std::to_string(bytes - 1));
    }
  };
  check(Conv2dPass::forward, [&](Workspace space) {
    cpu_.conv2d_forward(options, x.view(), w.view(), options.bias ? bias.view() : ConstView{}, y.view(), space);
  });
  check(Conv2dPass::backward_data,
        [&](Workspace space) { cpu_.conv2d_backward_data(options, y.view(), w.view(), dx.view(), space); });
  check(Conv2dPass::backward_filter,
        [&](Workspace space) { cpu_.conv2d_backward_filter(options, x.view(), y.view(), w.view(), space); });
}

INSTANTIATE_TEST_SUITE_P(All, CpuConv2d, testing::ValuesIn(geometries()),
                         [](const auto& geometry) { return std::string(geometry.param.name); });

}  // namespace
}  // namespace fovea::test
