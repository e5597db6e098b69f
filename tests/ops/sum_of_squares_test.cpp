// SPDX-License-Identifier: Apache-2.0
#include "core/tolerance/sum_of_squares.h"

#include <cmath>
#include <limits>

#include "tests/ops/reduction_cases.h"
#include "tests/ops/update_checks.h"

namespace fovea::test {
namespace {

class SumOfSquaresTest : public OpTest<ReductionCase> {
 protected:
  static OpCall sum(const Tensor& x) {
    return {
        .op = "sum_of_squares",
        .inputs = {x},
        .outputs = {{Shape{1}, DType::f64}},
        .run = [](Ops& ops, auto in, auto out, Workspace workspace) { ops.sum_of_squares(in[0], out[0], workspace); },
        .workspace = [count = x.elements()](Ops& ops, Layout) { return ops.sum_of_squares_workspace(count); }};
  }
  double sum_with(Tensor x, std::int64_t at, float value) {
    x.span<float>()[static_cast<std::size_t>(at)] = value;
    const Execution run = execute(device(), sum(x));
    EXPECT_EQ(run.fault, "");
    return run.outputs[0].span<double>()[0];
  }
};

TEST_P(SumOfSquaresTest, Exact) { EXPECT_TRUE(check_exact(device(), sum(integers(param().x, random(0), 1000)))); }

TEST_P(SumOfSquaresTest, Bound) {
  const Tensor x = reals(param().x, random(1));
  EXPECT_TRUE(check_bound(device(), sum(x), [&](const std::vector<Tensor>& truth) {
    Uncertain total{truth[0], {}};
    sum_of_squares_tolerance(certain(x), total);
    return std::vector<Tensor>{total.tolerance};
  }));
  EXPECT_TRUE(has_reference_bits(device(), sum(x)));
}

// No square overflows, so that a sum which is not finite says that an element is not.
TEST_P(SumOfSquaresTest, FiniteIfAndOnlyIfAllElementsAre) {
  const float largest = std::numeric_limits<float>::max(), infinity = std::numeric_limits<float>::infinity();
  const Tensor huge = filled(param().x, [&](std::size_t) { return largest; });
  const std::int64_t last = huge.elements() - 1;
  EXPECT_TRUE(std::isfinite(sum_with(huge, 0, 1)));
  EXPECT_EQ(sum_with(huge, last, infinity), std::numeric_limits<double>::infinity());
  EXPECT_TRUE(std::isnan(sum_with(huge, last / 2, std::numeric_limits<float>::quiet_NaN())));
}

INSTANTIATE_TEST_SUITE_P(All, SumOfSquaresTest, devices_and_cases(FOVEA_TEST_DEVICES, reduction_cases()),
                         case_name<ReductionCase>);

}  // namespace
}  // namespace fovea::test
