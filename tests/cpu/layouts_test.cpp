// SPDX-License-Identifier: Apache-2.0
//
// What the engine computes in each layout, for numbers of channels that fill no block, one, and more than one: the
// checks of tests/ops, to the derived bounds, between guard zones, with padding that must stay 0.
#include <gtest/gtest.h>

#include "core/backend/device_list.h"
#include "core/layers/adaptive_pool2d.h"
#include "core/layers/add.h"
#include "core/layers/avg_pool2d.h"
#include "core/layers/batch_norm.h"
#include "core/layers/conv2d.h"
#include "core/layers/conv_transpose2d.h"
#include "core/layers/max_pool2d.h"
#include "core/layers/min_pool2d.h"
#include "core/layers/relu.h"
#include "core/layers/sum_pool2d.h"
#include "tests/support/converted_backend.h"
#include "tests/support/devices.h"
#include "tests/support/layer_checks.h"

namespace fovea::test {
namespace {

constexpr std::int64_t channel_numbers[] = {1, 3, 6, 16, 17, 33};

class CpuLayouts : public testing::TestWithParam<Layout> {
 protected:
  // Forward and backward of `layer` on images [2, C, 7, 6].
  void check(const std::string& name, std::shared_ptr<const Layer> layer, Phase phase = Phase::training) {
    for (const std::int64_t C : channel_numbers) check(name, layer, Shape{2, C, 7, 6}, phase);
  }
  void check(const std::string& name, std::shared_ptr<const Layer> layer, const Shape& x, Phase phase) {
    const auto count = static_cast<std::size_t>(layer->input_count());
    const LayerCase c{.name = name + std::to_string(x[1]),
                      .layer = layer,
                      .inputs = std::vector<Shape>(count, x),
                      .fills = std::vector<InputFill>(count, {.low = -2, .high = 3}),
                      .phase = phase,
                      .backward_trust = ZeroTrust::off};  // of a pool's elements few win
    EXPECT_TRUE(check_forward(*device_, c)) << c.name;
    if (phase == Phase::inference) return;
    EXPECT_TRUE(check_backward(*device_, c)) << c.name;
  }
  // The same, and on small integers, of which many are alike, exactly.
  void check_exactly(const std::string& name, std::shared_ptr<const Layer> layer) {
    check(name, layer);
    for (const std::int64_t C : channel_numbers) {
      const auto count = static_cast<std::size_t>(layer->input_count());
      const LayerCase c{.name = name + "Exact" + std::to_string(C),
                        .layer = layer,
                        .inputs = std::vector<Shape>(count, Shape{2, C, 7, 6})};
      const LayerData data = integer_data(c);
      EXPECT_TRUE(check_exact(*device_, forward_call(c, data), ZeroTrust::off)) << c.name;
      const LayerResult forward = rounded(c, forward_truth(c, data));
      const OpCall backward = backward_call(c, data, forward, differentiable_inputs(c));
      EXPECT_TRUE(check_exact(*device_, backward, ZeroTrust::off)) << c.name;
    }
  }

  std::unique_ptr<Backend> cpu_ = open_device("cpu");
  std::unique_ptr<Backend> device_ = make_converted_backend(*cpu_, {.inside = GetParam()});
};

TEST_P(CpuLayouts, Relu) { check_exactly("Relu", std::make_shared<fovea::Relu>()); }

TEST_P(CpuLayouts, Add) { check_exactly("Add", std::make_shared<fovea::Add>()); }

TEST_P(CpuLayouts, MaxPool) {
  const auto pool = [](const MaxPool2dOptions& options) { return std::make_shared<MaxPool2d>(options); };
  check_exactly("Disjoint", pool({}));
  check_exactly("Overlapping", pool({.kernel = 3, .stride = {2, 1}, .padding = 1}));
  check_exactly("WithGaps", pool({.kernel = 2, .stride = 3}));
  check_exactly("CeilMode", pool({.kernel = 3, .stride = 2, .padding = {0, 1, 1, 0}, .ceil_mode = true}));
  check_exactly("WideIndex", pool({.kernel = 17, .stride = 1, .padding = 8}));
}

TEST_P(CpuLayouts, MinPool) {
  check_exactly("MinPool", std::make_shared<MinPool2d>(MaxPool2dOptions{.kernel = 3, .stride = 2, .padding = 1}));
}

TEST_P(CpuLayouts, AdaptiveMaxPool) {
  const auto pool = [](Size2 output) { return std::make_shared<AdaptiveMaxPool2d>(AdaptivePool2dOptions{output}); };
  check_exactly("Global", pool(1));
  check_exactly("Overlapping", pool(4));
  check_exactly("Larger", pool({9, 8}));
}

TEST_P(CpuLayouts, AvgPool) {
  const auto pool = [](const AvgPool2dOptions& options) { return std::make_shared<AvgPool2d>(options); };
  check("Disjoint", pool({}));
  check("Overlapping", pool({.kernel = 3, .stride = {2, 1}, .padding = 1}));
  check("ExcludePad", pool({.kernel = 3, .stride = 2, .padding = 1, .count_include_pad = false}));
  check("CeilMode", pool({.kernel = 4, .stride = 3, .padding = 1, .ceil_mode = true}));
  check_exactly("Sum", std::make_shared<SumPool2d>(SumPool2dOptions{.kernel = 3, .stride = 2}));
}

TEST_P(CpuLayouts, AdaptiveAvgPool) {
  for (const Size2 output : {Size2(1), Size2(4), Size2{9, 8}})
    check("AdaptiveAvg" + std::to_string(output.h), std::make_shared<AdaptiveAvgPool2d>(AdaptivePool2dOptions{output}));
}

TEST_P(CpuLayouts, BatchNorm) {
  check("BatchNorm", std::make_shared<fovea::BatchNorm>(BatchNormOptions{}));
  check("Frozen", std::make_shared<fovea::BatchNorm>(BatchNormOptions{.frozen = true}));
  check("Inference", std::make_shared<fovea::BatchNorm>(BatchNormOptions{}), Phase::inference);
}

// Also the bias of a convolution, whose gradient the engine sums in the output's layout.
TEST_P(CpuLayouts, Conv2d) {
  for (const std::int64_t K : channel_numbers)
    for (const std::int64_t C : channel_numbers)
      check("Conv2dTo" + std::to_string(K) + "From",
            std::make_shared<fovea::Conv2d>(Conv2dOptions{.out_channels = K, .kernel = 3, .padding = 1}),
            Shape{2, C, 5, 6}, Phase::training);
}

// The same operations the other way round, and bias_add in the output's layout.
TEST_P(CpuLayouts, ConvTranspose2d) {
  for (const std::int64_t K : {1, 6, 17})
    check(
        "ConvTranspose2dTo" + std::to_string(K) + "From",
        std::make_shared<fovea::ConvTranspose2d>(ConvTranspose2dOptions{.out_channels = K, .kernel = 3, .stride = 2}));
}

INSTANTIATE_TEST_SUITE_P(All, CpuLayouts, testing::Values(Layout::nchw, Layout::nhwc, Layout::nchw8c, Layout::nchw16c),
                         [](const auto& layout) { return std::string(name_of(layout.param)); });

}  // namespace
}  // namespace fovea::test
