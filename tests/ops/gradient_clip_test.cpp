// SPDX-License-Identifier: Apache-2.0
#include "core/tolerance/gradient_clip.h"

#include <cmath>
#include <limits>

#include "tests/ops/elementwise_cases.h"
#include "tests/ops/update_checks.h"

namespace fovea::test {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();

class GradientClipTest : public OpTest<ElementwiseCase> {
 protected:
  static OpCall scale(double factor, const Tensor& g) {
    return {.op = "gradient_clip",
            .inputs = {},
            .outputs = {{g.shape(), DType::f32, g}},
            .run = [factor](Ops& ops, auto, auto out, Workspace) { ops.gradient_scale(factor, out[0]); }};
  }
  static OpCall clamp(double limit, const Tensor& g) {
    return {.op = "gradient_clip",
            .inputs = {},
            .outputs = {{g.shape(), DType::f32, g}},
            .run = [limit](Ops& ops, auto, auto out, Workspace) { ops.gradient_clamp(limit, out[0]); }};
  }
  static OpCall scale_by(const Tensor& factor, const Tensor& g) {
    return {.op = "gradient_clip",
            .inputs = {factor},
            .outputs = {{g.shape(), DType::f32, g}},
            .run = [](Ops& ops, auto in, auto out, Workspace) { ops.gradient_scale_by(in[0], out[0]); }};
  }
  // What the sums of squares of several runs of parameters ask for.
  float factor(double limit, const std::vector<double>& squares) {
    const Execution run = execute(
        device(), {.op = "gradient_clip",
                   .inputs = {Tensor::from<double>(Shape{static_cast<std::int64_t>(squares.size())}, squares)},
                   .outputs = {{Shape{1}, DType::f32}},
                   .run = [limit](Ops& ops, auto in, auto out, Workspace) { ops.norm_factor(limit, in[0], out[0]); }});
    EXPECT_EQ(run.fault, "");
    return run.outputs[0].span<float>()[0];
  }
};

TEST_P(GradientClipTest, Exact) {
  const Tensor g = integers(param().x, random(0), 1000);
  EXPECT_TRUE(check_exact(device(), scale_by(Tensor::from({1}, {0.25f}), g)));
  EXPECT_TRUE(check_exact(device(), scale(0.25, g)));
  for (const double limit : {2000.0, 400.0, 1.0}) EXPECT_TRUE(check_exact(device(), clamp(limit, g))) << limit;
}

TEST_P(GradientClipTest, Bound) {
  const Tensor g = reals(param().x, random(1));
  EXPECT_TRUE(check_bound(device(), scale(0.37, g), [&](const std::vector<Tensor>& truth) {
    Uncertain scaled{truth[0], {}};
    gradient_scale_tolerance(0.37, certain(g), scaled);
    return std::vector<Tensor>{scaled.tolerance};
  }));
  EXPECT_TRUE(has_reference_bits(device(), scale(0.37, g)));
  EXPECT_TRUE(has_reference_bits(device(), clamp(0.37, g)));
  // A factor in memory is the number that is given.
  const Execution given = execute(device(), scale(0.37, g));
  const Execution read = execute(device(), scale_by(Tensor::from({1}, {0.37f}), g));
  EXPECT_EQ(given.fault + read.fault, "");
  EXPECT_TRUE(same_bits(read.outputs[0], given.outputs[0]));
}

// Infinities are cut off, NaN stays.
TEST_P(GradientClipTest, ValuesThatAreNotFinite) {
  const float special[] = {nan, infinity, -infinity, 0.5f, -7};
  const float clamped[] = {nan, 2, -2, 0.5f, -2}, scaled[] = {nan, infinity, -infinity, 0.25f, -3.5f};
  const auto of = [&](const float(&values)[5]) {
    return filled(param().x, [&](std::size_t i) { return values[i % 5]; });
  };
  const Execution cut = execute(device(), clamp(2, of(special))), half = execute(device(), scale(0.5, of(special)));
  EXPECT_EQ(cut.fault + half.fault, "");
  EXPECT_TRUE(equal_to_truth(cut.outputs[0], of(clamped)));
  EXPECT_TRUE(equal_to_truth(half.outputs[0], of(scaled)));
}

// Every operation of it is rounded as IEEE 754 says, so that there is one right float.
TEST_P(GradientClipTest, FactorOfANorm) {
  EXPECT_EQ(factor(2.5, {9, 16}), static_cast<float>(2.5 / (5 + 1e-6)));
  EXPECT_EQ(factor(0.1, {1e300, 1e300, 1e-300}), static_cast<float>(0.1 / (std::sqrt(1e300 + 1e300) + 1e-6)));
  EXPECT_EQ(factor(5.000001, {25}), 1) << "just not";
  EXPECT_EQ(factor(5, {25}), static_cast<float>(5 / (5 + 1e-6)));
  EXPECT_EQ(factor(1e9, {1, 2, 3}), 1) << "gradients are never made larger";
  EXPECT_EQ(factor(1, {0}), 1);
  EXPECT_EQ(factor(1, {nan}), 1) << "and what is 0 stays 0";
}

INSTANTIATE_TEST_SUITE_P(All, GradientClipTest, devices_and_cases(FOVEA_TEST_DEVICES, elementwise_cases()),
                         case_name<ElementwiseCase>);

}  // namespace
}  // namespace fovea::test
