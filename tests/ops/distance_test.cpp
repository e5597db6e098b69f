// SPDX-License-Identifier: Apache-2.0
#include "tests/ops/distance_cases.h"

#include <cmath>
#include <limits>

#include "tests/support/layer_checks.h"
#include "tests/support/op_test.h"

namespace fovea::test {
namespace {

const bool registered = register_layer_tests("DistanceLayer", FOVEA_TEST_DEVICES, distance_cases(),
                                             random_distance_case, StoredTypes::f32_only);

class DistanceTest : public OpTest<LayerCase> {
 protected:
  static OpCall call(DistanceNorm norm, const Tensor& a, const Tensor& b) {
    return {
        .op = "distance",
        .inputs = {a, b},
        .outputs = {{Shape{a.shape()[0], b.shape()[0]}}},
        .run = [norm](Ops& ops, auto in, auto out, Workspace) { ops.distance_forward(norm, in[0], in[1], out[0]); }};
  }
};

// The sum of squares of whole numbers is exact, and a root is correctly rounded everywhere: the device must give the
// float next to the truth.
TEST_P(DistanceTest, RootOfAnExactSum) {
  const Tensor a = integers(param().inputs[0], random(0), 8), b = integers(param().inputs[1], random(1), 8);
  const Execution truth = execute(truth_backend(), in_float64(call(DistanceNorm::l2, a, b)));
  const Execution actual = execute(device(), call(DistanceNorm::l2, a, b));
  EXPECT_EQ(actual.fault, "");
  EXPECT_TRUE(same_bits(actual.outputs[0], truth.outputs[0].converted(DType::f32)));
}

// A NaN spoils the distances of its row and no other.
TEST_P(DistanceTest, NaN) {
  for (const DistanceNorm norm : {DistanceNorm::l1, DistanceNorm::l2})
    for (const std::size_t of : {std::size_t{0}, std::size_t{1}}) {
      Tensor operands[] = {reals(param().inputs[0], random(2)), reals(param().inputs[1], random(3))};
      operands[of].span<float>().back() = std::numeric_limits<float>::quiet_NaN();
      const Execution actual = execute(device(), call(norm, operands[0], operands[1]));
      const std::int64_t M = param().inputs[0][0], N = param().inputs[1][0];
      for (std::int64_t i = 0; i < M * N; ++i)
        EXPECT_EQ(std::isnan(actual.outputs[0].span<float>()[static_cast<std::size_t>(i)]),
                  of == 0 ? i / N == M - 1 : i % N == N - 1)
            << i;
    }
}

INSTANTIATE_TEST_SUITE_P(All, DistanceTest,
                         devices_and_cases(FOVEA_TEST_DEVICES,
                                           std::vector<LayerCase>{
                                               distance_case("Tile65", "more than a tile and a slice", DistanceNorm::l2,
                                                             65, 66, 17, true),
                                               distance_case("OneRow", "one test image", DistanceNorm::l2, 1, 9, 40)}),
                         case_name<LayerCase>);

TEST(Distance, ByHand) {
  const auto doubles = [](const Shape& shape, std::vector<double> v) { return Tensor::from<double>(shape, v); };
  const Tensor a = doubles({2, 2}, {0, 0, 1, 1}), b = doubles({3, 2}, {3, 4, -3, 4, 1, 1});
  Tensor y({2, 3}, DType::f64);
  const auto values_of = [&](DistanceNorm norm) {
    truth_ops().distance_forward(norm, a.view(), b.view(), y.view());
    return std::vector<double>(y.span<double>().begin(), y.span<double>().end());
  };
  EXPECT_EQ(values_of(DistanceNorm::l1), (std::vector<double>{7, 7, 2, 5, 7, 0}));
  EXPECT_EQ(values_of(DistanceNorm::l2), (std::vector<double>{5, 5, std::sqrt(2.0), std::sqrt(13.0), 5, 0}));
}

// A row's distance to itself is 0, and its bound too.
TEST(Distance, ToItself) {
  const Tensor a = reals({3, 50}, stream_for("ToItself", 0)).converted(DType::f64);
  for (const DistanceNorm norm : {DistanceNorm::l1, DistanceNorm::l2}) {
    Tensor y({3, 3}, DType::f64);
    truth_ops().distance_forward(norm, a.view(), a.view(), y.view());
    const Tensor tolerance = distance_tolerance(norm, a, a, y);
    for (const std::size_t diagonal : {0, 4, 8}) {
      EXPECT_EQ(y.span<double>()[diagonal], 0);
      EXPECT_EQ(tolerance.span<double>()[diagonal], 0);
    }
  }
}

}  // namespace
}  // namespace fovea::test
