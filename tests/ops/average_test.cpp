// SPDX-License-Identifier: Apache-2.0
#include "core/tolerance/average.h"

#include "tests/ops/elementwise_cases.h"
#include "tests/ops/update_checks.h"

namespace fovea::test {
namespace {

class AverageTest : public OpTest<ElementwiseCase> {
 protected:
  static OpCall step(double decay, const Tensor& a, const Tensor& w) {
    return {.op = "average",
            .inputs = {w},
            .outputs = {{a.shape(), DType::f32, a}},
            .run = [decay](Ops& ops, auto in, auto out, Workspace) { ops.average_step(decay, out[0], in[0], {}); }};
  }
};

TEST_P(AverageTest, Exact) {
  const Tensor a = integers(param().x, random(0), 1000), w = integers(param().x, random(1), 1000);
  for (const double decay : {0.75, 0.5, 0.0}) EXPECT_TRUE(check_exact(device(), step(decay, a, w))) << decay;
}

TEST_P(AverageTest, Bound) {
  const Tensor a = reals(param().x, random(2)), w = reals(param().x, random(3));
  for (const double decay : {0.9, 0.9999}) {
    const OpCall call = step(decay, a, w);
    EXPECT_TRUE(check_bound(device(), call, [&](const std::vector<Tensor>& truth) {
      Uncertain new_a{truth[0], {}};
      average_tolerance(decay, certain(a), certain(w), new_a);
      return std::vector<Tensor>{new_a.tolerance};
    })) << decay;
    EXPECT_TRUE(has_reference_bits(device(), call)) << decay;
  }
}

// Weights that stand still are their own average, bit for bit, however often it is taken.
TEST_P(AverageTest, StandsStillWithTheWeights) {
  const Tensor w = reals(param().x, random(4));
  const Execution after = execute(device(), step(0.999, w, w));
  EXPECT_EQ(after.fault, "");
  EXPECT_TRUE(same_bits(after.outputs[0], w));
}

INSTANTIATE_TEST_SUITE_P(All, AverageTest, devices_and_cases(FOVEA_TEST_DEVICES, elementwise_cases()),
                         case_name<ElementwiseCase>);

}  // namespace
}  // namespace fovea::test
