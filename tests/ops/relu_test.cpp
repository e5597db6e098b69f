// SPDX-License-Identifier: Apache-2.0
#include "core/tolerance/relu.h"

#include <limits>

#include "tests/ops/elementwise_cases.h"
#include "tests/ops/random_configurations.h"
#include "tests/support/op_test.h"

namespace fovea::test {
namespace {

// relu computes nothing, so real data must match bit for bit too.
class ReluTest : public OpTest<ElementwiseCase> {
 protected:
  static OpCall forward(const Tensor& x) {
    return {.op = "relu",
            .inputs = {x},
            .outputs = {{x.shape(), x.dtype()}},
            .run = [](Ops& ops, auto in, auto out, Workspace) { ops.relu_forward(in[0], out[0]); }};
  }
  static OpCall backward(const Tensor& y, const Tensor& dy) {
    return {.op = "relu",
            .direction = Direction::backward,
            .inputs = {y, dy},
            .outputs = {{y.shape(), y.dtype()}},
            .run = [](Ops& ops, auto in, auto out, Workspace) { ops.relu_backward(in[0], in[1], out[0]); }};
  }
  // Values that a careless comparison gets wrong, in every position of a vector.
  Tensor special(std::uint64_t tensor) const {
    const float infinity = std::numeric_limits<float>::infinity();
    const float cases[] = {std::numeric_limits<float>::quiet_NaN(),
                           infinity,
                           -infinity,
                           -0.0f,
                           0.0f,
                           std::numeric_limits<float>::denorm_min(),
                           -std::numeric_limits<float>::denorm_min()};
    Tensor x = reals(param().x, random(tensor));
    RandomStream places = random(tensor + 1000);
    for (float& v : x.span<float>())
      if (const std::uint32_t which = places.below(14); which < 7) v = cases[which];
    x.span<float>()[0] = cases[0];
    return stored(x);
  }
  static std::vector<Tensor> exact(const std::vector<Tensor>& truth) { return std::vector<Tensor>(truth.size()); }
  // One element may be negative; many are about half.
  ZeroTrust trust() const { return param().x.elements() < 10 ? ZeroTrust::off : ZeroTrust::on; }
};

TEST_P(ReluTest, Forward) {
  EXPECT_TRUE(check_bound(device(), forward(stored(reals(param().x, random(0)))), exact, trust()));
  EXPECT_TRUE(check_exact(device(), forward(special(1)), ZeroTrust::off)) << "NaN, infinity, zeros, denormals";
}

TEST_P(ReluTest, Backward) {
  Tensor y = reals(param().x, random(2));
  for (float& v : y.span<float>()) v = v > 0 ? v : 0;
  y = stored(y);
  EXPECT_TRUE(check_bound(device(), backward(y, stored(reals(param().x, random(3)))), exact, trust()));
  EXPECT_TRUE(check_exact(device(), backward(special(4), stored(reals(param().x, random(5)))), ZeroTrust::off))
      << "NaN y";
  EXPECT_TRUE(check_exact(device(), backward(y, special(6)), ZeroTrust::off)) << "NaN dy";
}

INSTANTIATE_TEST_SUITE_P(All, ReluTest, stored_devices_and_cases(FOVEA_TEST_DEVICES, elementwise_cases()),
                         case_name<ElementwiseCase>);

const bool registered = register_layer_tests("ReluLayer", FOVEA_TEST_DEVICES, {}, random_relu_case);

}  // namespace
}  // namespace fovea::test
