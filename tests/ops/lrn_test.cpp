// SPDX-License-Identifier: Apache-2.0
#include "core/ops/lrn.h"

#include <limits>

#include "tests/ops/lrn_cases.h"
#include "tests/support/layer_checks.h"
#include "tests/support/op_test.h"

namespace fovea::test {
namespace {

const bool registered = register_layer_tests("LrnLayer", FOVEA_TEST_DEVICES, lrn_cases(), random_lrn_case);

// What the table does not see: numbers worked by hand, NaN and infinity, messages.
class LrnTest : public OpTest<NamedCase> {
 protected:
  OpCall forward(const Tensor& x, const LrnOptions& o) const {
    return {.op = "lrn",
            .inputs = {x},
            .outputs = {{x.shape()}, {x.shape()}},
            .run = [o](Ops& ops, auto in, auto out, Workspace) { ops.lrn_forward(o, in[0], out[0], out[1]); }};
  }
  OpCall backward(const Tensor& x, const Tensor& y, const Tensor& scale, const Tensor& dy, const LrnOptions& o) const {
    return {.op = "lrn",
            .direction = Direction::backward,
            .inputs = {x, y, scale, dy},
            .outputs = {{x.shape()}},
            .run = [o](Ops& ops, auto in, auto out, Workspace) {
              ops.lrn_backward(o, in[0], in[1], in[2], in[3], out[0]);
            }};
  }
  std::vector<Tensor> run(const OpCall& call) {
    Execution result = execute(device(), call);
    EXPECT_EQ(result.fault, "");
    return std::move(result.outputs);
  }
  // Equal but for the last few bits of the power.
  static void expect_near(const Tensor& actual, const std::vector<double>& expected) {
    ASSERT_EQ(actual.span<float>().size(), expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i)
      EXPECT_NEAR(actual.span<float>()[i], expected[i], 1e-6 * std::abs(expected[i])) << i;
  }
};

// Channels 1, 2, 3 with a = 1, k = 1, beta = 1: d = 1 + 1 + 4, 1 + 1 + 4 + 9, 1 + 4 + 9.
TEST_P(LrnTest, AcrossWorkedByHand) {
  const LrnOptions o{.size = 3, .alpha = 3, .beta = 1};
  const Tensor x = Tensor::from(Shape{1, 3, 1, 1}, {1, 2, 3});
  const std::vector<Tensor> y = run(forward(x, o));
  expect_near(y[1], {6, 15, 14});
  expect_near(y[0], {1.0 / 6, 2.0 / 15, 3.0 / 14});
  const double q0 = 1.0 / 36, q1 = 2.0 / 225, q2 = 3.0 / 196;  // y / d
  const Tensor dx = run(backward(x, y[0], y[1], Tensor::from(Shape{1, 3, 1, 1}, {1, 1, 1}), o))[0];
  expect_near(dx, {1.0 / 6 - 2 * (q0 + q1), 1.0 / 15 - 4 * (q0 + q1 + q2), 1.0 / 14 - 6 * (q1 + q2)});
}

// Of two neighbours across, the other is the channel before; within, the pixel after. alpha = 2 is divided by 2 and 4.
TEST_P(LrnTest, EvenSizesWorkedByHand) {
  const LrnOptions across{.size = 2, .alpha = 2, .beta = 1};
  expect_near(run(forward(Tensor::from(Shape{1, 3, 1, 1}, {1, 2, 3}), across))[1], {2, 6, 14});
  const LrnOptions within{.size = 2, .alpha = 2, .beta = 1, .region = LrnRegion::within};
  expect_near(run(forward(Tensor::from(Shape{1, 1, 2, 2}, {1, 2, 3, 4}), within))[1], {16, 11, 13.5, 9});
}

TEST_P(LrnTest, NaNAndInfinity) {
  Tensor x = reals({1, 6, 2, 3}, random(0));
  x.span<float>()[7] = std::numeric_limits<float>::quiet_NaN();
  x.span<float>()[3] = std::numeric_limits<float>::infinity();
  const LrnOptions o{.size = 3, .alpha = 1};
  EXPECT_TRUE(check_bound(device(), forward(x, o), [&](const std::vector<Tensor>& truth) {
    const std::vector<Uncertain> inputs{{x.converted(DType::f64), {}}};
    Uncertain output{truth[0], {}}, scale{truth[1], {}};
    ForwardToleranceArgs args{truth_ops(), inputs, {}, output, {&scale, 1}};
    Lrn(o).forward_tolerance(args);
    return std::vector<Tensor>{output.tolerance, scale.tolerance};
  }));
}

TEST_P(LrnTest, Messages) {
  const Tensor x = Tensor::zeros({1, 2, 2, 2}), flat = Tensor::zeros({2, 4});
  const auto refuses = [&](const OpCall& call, const char* what) {
    try {
      execute(device(), call);
      ADD_FAILURE() << "accepted: " << what;
    } catch (const InputError& e) {
      EXPECT_NE(std::string(e.what()).find(what), std::string::npos) << e.what();
    }
  };
  refuses(forward(flat, {}), "lrn_forward: expected an input [N, C, H, W], got [2, 4]");
  refuses(forward(x, {.size = 0}), "size: expected at least 1, got 0");
  refuses(forward(x, {.k = 0}), "k: expected a number above 0, got 0");
  refuses(forward(x, {.alpha = -1}), "alpha: expected a number of at least 0, got -1");
  refuses(forward(x, {.beta = -0.5}), "beta: expected a number of at least 0, got -0.5");
  refuses(backward(x, x, flat, x, {}), "lrn_backward: scale: expected f32 [1, 2, 2, 2]");
}

INSTANTIATE_TEST_SUITE_P(All, LrnTest, devices_and_cases(FOVEA_TEST_DEVICES, by_hand), case_name<NamedCase>);

}  // namespace
}  // namespace fovea::test
