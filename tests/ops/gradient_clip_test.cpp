// SPDX-License-Identifier: Apache-2.0
#include "core/tolerance/gradient_clip.h"

#include <limits>

#include "tests/ops/elementwise_cases.h"
#include "tests/ops/update_checks.h"

namespace fovea::test {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

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
};

TEST_P(GradientClipTest, Exact) {
  const Tensor g = integers(param().x, random(0), 1000);
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
}

// Infinities are cut off, NaN stays.
TEST_P(GradientClipTest, ValuesThatAreNotFinite) {
  const float nan = std::numeric_limits<float>::quiet_NaN(), special[] = {nan, infinity, -infinity, 0.5f, -7};
  const float clamped[] = {nan, 2, -2, 0.5f, -2}, scaled[] = {nan, infinity, -infinity, 0.25f, -3.5f};
  const auto of = [&](const float(&values)[5]) {
    return filled(param().x, [&](std::size_t i) { return values[i % 5]; });
  };
  const Execution cut = execute(device(), clamp(2, of(special))), half = execute(device(), scale(0.5, of(special)));
  EXPECT_EQ(cut.fault + half.fault, "");
  EXPECT_TRUE(equal_to_truth(cut.outputs[0], of(clamped)));
  EXPECT_TRUE(equal_to_truth(half.outputs[0], of(scaled)));
}

INSTANTIATE_TEST_SUITE_P(All, GradientClipTest, devices_and_cases(FOVEA_TEST_DEVICES, elementwise_cases()),
                         case_name<ElementwiseCase>);

}  // namespace
}  // namespace fovea::test
