// SPDX-License-Identifier: Apache-2.0
//
// What cuDNN plans for GPUs that are described, not present: that every convolution of the case tables has an engine
// that keeps our rules on every architecture, and that the rules make a difference. Needs cuDNN 9.8, but no GPU.
#include <gtest/gtest.h>

#include "core/support/error.h"
#include "cuda/cudnn/conv2d_cudnn.h"
#include "cuda/cudnn/cudnn_loader.h"
#include "tests/library/device_descriptions.h"
#include "tests/ops/conv2d_cases.h"
#include "tests/ops/conv_transpose2d_cases.h"

namespace fovea::cuda {
namespace {

using test::described_devices;
using test::DescribedDevice;

constexpr Conv2dPass passes[] = {Conv2dPass::forward, Conv2dPass::backward_data, Conv2dPass::backward_filter};

class Conv2dPlan : public ::testing::Test {
 protected:
  void SetUp() override {
    try {
      cudnn_library();
    } catch (const DeviceError& error) {
      GTEST_SKIP() << error.what();
    }
  }
  static Conv2dCudnn open(const DescribedDevice& device, LibraryPrecision precision = LibraryPrecision::float32) {
    return Conv2dCudnn(test::describe(device), precision);
  }
};

class Conv2dPlanOn : public Conv2dPlan, public ::testing::WithParamInterface<DescribedDevice> {};

TEST_P(Conv2dPlanOn, EveryCaseHasAnEngine) {
  Conv2dCudnn cudnn = open(GetParam());
  for (const test::Conv2dCase& c : test::conv2d_cases()) {
    const Conv2dGeometry g = conv2d_geometry(c.options, c.x);
    for (const Conv2dPass pass : passes) {
      EXPECT_NO_THROW({
        const Conv2dPlanInfo& info = cudnn.plan(pass, g);
        EXPECT_FALSE(info.engine.empty());
      }) << c
         << ", pass " << static_cast<int>(pass);
    }
  }
}

// The convolutions that a transposed convolution runs backwards: from its output to its input.
TEST_P(Conv2dPlanOn, EveryTransposedCaseHasAnEngine) {
  Conv2dCudnn cudnn = open(GetParam());
  for (const test::LayerCase& c : test::conv_transpose2d_cases()) {
    const ConvTranspose2dOptions& o = dynamic_cast<const ConvTranspose2d&>(*c.layer).options();
    const Shape& x = c.inputs[0];
    const Conv2dGeometry g = conv2d_geometry(conv_transpose2d_convolution(o, x), conv_transpose2d_output_shape(o, x));
    for (const Conv2dPass pass : passes)
      EXPECT_NO_THROW(EXPECT_FALSE(cudnn.plan(pass, g).engine.empty()))
          << c.name << ", pass " << static_cast<int>(pass);
  }
}

INSTANTIATE_TEST_SUITE_P(Devices, Conv2dPlanOn, ::testing::ValuesIn(described_devices),
                         [](const auto& tested) { return tested.param.name; });

const Conv2dOptions wide{.out_channels = 64, .kernel = 3, .padding = 1};
const Shape wide_x{128, 64, 56, 56};

TEST_F(Conv2dPlan, IsMadeOnceAndTheSameEveryTime) {
  const Conv2dGeometry g = conv2d_geometry(wide, wide_x);
  Conv2dCudnn one = open(test::h200), two = open(test::h200);
  for (const Conv2dPass pass : passes) {
    EXPECT_EQ(one.plan(pass, g).engine, two.plan(pass, g).engine);
    EXPECT_EQ(one.plan(pass, g).workspace_bytes, two.plan(pass, g).workspace_bytes);
    EXPECT_EQ(&one.plan(pass, g), &one.plan(pass, g));
  }
  EXPECT_NE(&one.plan(Conv2dPass::forward, g), &one.plan(Conv2dPass::backward_data, g));
}

// Where tensor cores pay, cuDNN's own first choice is one of them: without the rules the answers would be the same.
TEST_F(Conv2dPlan, Float32TurnsTensorCoresAway) {
  const Conv2dGeometry g = conv2d_geometry(wide, wide_x);
  Conv2dCudnn strict = open(test::h200), tf32 = open(test::h200, LibraryPrecision::tf32);
  for (const Conv2dPass pass : passes) EXPECT_NE(strict.plan(pass, g).engine, tf32.plan(pass, g).engine);
}

// Engine 1 gets filter gradients wrong where the paddings of an axis differ; cuDNN ranks it first there.
TEST_F(Conv2dPlan, FilterGradientsOfDifferingPaddingsAvoidEngine1) {
  const Conv2dOptions one_sided{.out_channels = 12, .kernel = {1, 3}, .stride = {1, 2}, .padding = {0, 0, 1, 0}};
  for (const LibraryPrecision precision : {LibraryPrecision::float32, LibraryPrecision::tf32}) {
    Conv2dCudnn cudnn = open(test::h200, precision);
    const Conv2dGeometry g = conv2d_geometry(one_sided, {2, 9, 1, 7});
    EXPECT_FALSE((cudnn.plan(Conv2dPass::backward_filter, g).engine + "_").starts_with("eng1_"));
  }
}

TEST_F(Conv2dPlan, AnUnsupportedDeviceIsRefused) {
  DescribedDevice ancient = test::h200;
  ancient.compute_capability = 20;  // older than anything cuDNN 9 runs on
  EXPECT_THROW(open(ancient).plan(Conv2dPass::forward, conv2d_geometry(wide, wide_x)), Error);
}

TEST_F(Conv2dPlan, UnreadableDescription) { EXPECT_THROW(Conv2dCudnn("{}", LibraryPrecision::float32), DeviceError); }

TEST_F(Conv2dPlan, ADescribedDeviceCannotRun) {
  Conv2dCudnn cudnn = open(test::h200);
  float data[1] = {};
  EXPECT_THROW(
      cudnn.run(Conv2dPass::forward, conv2d_geometry({.out_channels = 1}, {1, 1, 1, 1}), data, data, data, nullptr),
      DeviceError);
}

}  // namespace
}  // namespace fovea::cuda
