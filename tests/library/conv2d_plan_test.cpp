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
        const Conv2dPlanInfo& info = cudnn.plan({pass, g});
        EXPECT_FALSE(info.engine.empty());
      }) << c
         << ", pass " << static_cast<int>(pass);
    }
  }
}

// In 16 bits: as they are, but for graphs with an epilogue, which are compiled and so need a driver; and by way of f32.
TEST_P(Conv2dPlanOn, EveryCaseHasAnEngineIn16Bits) {
  if (GetParam().compute_capability < 80) GTEST_SKIP() << "no bf16";
  Conv2dCudnn cudnn = open(GetParam());
  const auto expect_engine = [&](const Conv2dTask& task, const test::Conv2dCase& c) {
    EXPECT_NO_THROW(EXPECT_FALSE(cudnn.plan(task).engine.empty()))
        << c << ", pass " << static_cast<int>(task.pass) << " in " << name_of(task.dtype) << " "
        << name_of(task.layout);
  };
  for (const test::Conv2dCase& c : test::conv2d_cases()) {
    const Conv2dGeometry g = conv2d_geometry(c.options, c.x);
    for (const Conv2dPass pass : passes) {
      for (const Layout layout : {Layout::nchw, Layout::nhwc})
        expect_engine({.pass = pass, .g = g, .layout = layout, .fits_tf32 = true}, c);
      if (pass == Conv2dPass::backward_filter || !convolves_16_bits(g)) continue;
      for (const DType dtype : {DType::bf16, DType::f16})
        expect_engine({.pass = pass, .g = g, .dtype = dtype, .layout = Layout::nhwc}, c);
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
      EXPECT_NO_THROW(EXPECT_FALSE(cudnn.plan({pass, g}).engine.empty()))
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
    EXPECT_EQ(one.plan({pass, g}).engine, two.plan({pass, g}).engine);
    EXPECT_EQ(one.plan({pass, g}).workspace_bytes, two.plan({pass, g}).workspace_bytes);
    EXPECT_EQ(&one.plan({pass, g}), &one.plan({pass, g}));
  }
  EXPECT_NE(&one.plan({Conv2dPass::forward, g}), &one.plan({Conv2dPass::backward_data, g}));
}

// Where tensor cores pay, cuDNN's own first choice is one of them: without the rules the answers would be the same.
TEST_F(Conv2dPlan, Float32TurnsTensorCoresAway) {
  const Conv2dGeometry g = conv2d_geometry(wide, wide_x);
  Conv2dCudnn strict = open(test::h200), tf32 = open(test::h200, LibraryPrecision::tf32);
  for (const Conv2dPass pass : passes) EXPECT_NE(strict.plan({pass, g}).engine, tf32.plan({pass, g}).engine);
}

// Of numbers that TF32 does not round, tensor cores multiply the copies in float32 too; rounded ones stay float32's own.
TEST_F(Conv2dPlan, CopiesOf16BitsTakeTensorCores) {
  const Conv2dGeometry g = conv2d_geometry(wide, wide_x);
  Conv2dCudnn cudnn = open(test::h200);
  for (const Conv2dPass pass : passes)
    EXPECT_NE(cudnn.plan({.pass = pass, .g = g, .fits_tf32 = true}).engine, cudnn.plan({pass, g}).engine);
}

// By the geometry alone, so that a plan's layouts are known before any library is opened.
TEST(Conv2dIn16Bits, ServesWholeGroupsWithoutHoles) {
  const auto served = [](Conv2dOptions options, const Shape& x) {
    return convolves_16_bits(conv2d_geometry(options, x));
  };
  EXPECT_TRUE(served({.out_channels = 64, .kernel = 11, .stride = 4, .padding = 2}, {8, 3, 224, 224}))
      << "AlexNet's first";
  EXPECT_TRUE(served({.out_channels = 64, .kernel = 7, .stride = 2, .padding = 3}, {8, 3, 224, 224}))
      << "ResNet's first";
  EXPECT_TRUE(served({.out_channels = 16, .kernel = 3, .groups = 2}, {2, 16, 8, 8}));
  EXPECT_FALSE(served({.out_channels = 16, .kernel = 3, .groups = 4}, {2, 16, 8, 8})) << "4 channels in a group";
  EXPECT_FALSE(served({.out_channels = 12, .kernel = 3, .groups = 2}, {2, 16, 8, 8})) << "6 filters in a group";
  EXPECT_FALSE(served({.out_channels = 16, .kernel = 3, .dilation = 2}, {2, 16, 8, 8}));
  EXPECT_FALSE(served({.out_channels = 16, .kernel = 3, .padding = {0, 0, 1, 0}}, {2, 16, 8, 8}));
}

// Engine 1 gets filter gradients wrong where the paddings of an axis differ; cuDNN ranks it first there.
TEST_F(Conv2dPlan, FilterGradientsOfDifferingPaddingsAvoidEngine1) {
  const Conv2dOptions one_sided{.out_channels = 12, .kernel = {1, 3}, .stride = {1, 2}, .padding = {0, 0, 1, 0}};
  for (const LibraryPrecision precision : {LibraryPrecision::float32, LibraryPrecision::tf32}) {
    Conv2dCudnn cudnn = open(test::h200, precision);
    const Conv2dGeometry g = conv2d_geometry(one_sided, {2, 9, 1, 7});
    EXPECT_FALSE((cudnn.plan({Conv2dPass::backward_filter, g}).engine + "_").starts_with("eng1_"));
  }
}

TEST_F(Conv2dPlan, AnUnsupportedDeviceIsRefused) {
  DescribedDevice ancient = test::h200;
  ancient.compute_capability = 20;  // older than anything cuDNN 9 runs on
  EXPECT_THROW(open(ancient).plan({Conv2dPass::forward, conv2d_geometry(wide, wide_x)}), Error);
}

TEST_F(Conv2dPlan, UnreadableDescription) { EXPECT_THROW(Conv2dCudnn("{}", LibraryPrecision::float32), DeviceError); }

TEST_F(Conv2dPlan, ADescribedDeviceCannotRun) {
  Conv2dCudnn cudnn = open(test::h200);
  float data[1] = {};
  EXPECT_THROW(
      cudnn.run({Conv2dPass::forward, conv2d_geometry({.out_channels = 1}, {1, 1, 1, 1})}, data, data, data, nullptr),
      DeviceError);
}

}  // namespace
}  // namespace fovea::cuda
