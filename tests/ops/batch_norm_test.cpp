// SPDX-License-Identifier: Apache-2.0
#include "core/ops/batch_norm.h"

#include <cmath>
#include <limits>

#include "tests/ops/batch_norm_cases.h"
#include "tests/support/fused_relu.h"
#include "tests/support/layer_checks.h"
#include "tests/support/op_test.h"

namespace fovea::test {
namespace {

const bool registered =
    register_layer_tests("BatchNormLayer", FOVEA_TEST_DEVICES, batch_norm_cases(), random_batch_norm_case) &&
    register_fused_relu_tests("BatchNormLayer", FOVEA_TEST_DEVICES, batch_norm_cases(), random_batch_norm_case);

Tensor filled(const Shape& shape, float value) {
  Tensor result(shape);
  for (float& v : result.span<float>()) v = value;
  return result;
}

// What the table does not see: numbers worked by hand, equal values, NaN, messages.
class BatchNormTest : public OpTest<NamedCase> {
 protected:
  static std::function<std::size_t(Ops&, Layout)> workspace_for(const Tensor& x) {
    return [s = x.shape()](Ops& ops, Layout layout) { return ops.batch_norm_workspace(s, layout); };
  }
  OpCall forward(const Tensor& x, const Tensor& weight, const Tensor& bias, const BatchNormOptions& o,
                 const Tensor& running_mean, const Tensor& running_variance) const {
    const Shape channels = running_mean.shape();
    return {.op = "batch_norm",
            .inputs = {x, weight, bias},
            .outputs = {{x.shape()},
                        {channels},
                        {channels},
                        {channels, DType::f32, running_mean},
                        {channels, DType::f32, running_variance}},
            .run =
                [o](Ops& ops, auto in, auto out, Workspace w) {
                  ops.batch_norm_forward(o, in[0], in[1], in[2], out[3], out[4], out[0], out[1], out[2], w);
                },
            .workspace = workspace_for(x)};
  }
  OpCall inference(const Tensor& x, const Tensor& weight, const Tensor& bias, const BatchNormOptions& o,
                   const Tensor& running_mean, const Tensor& running_variance) const {
    return {.op = "batch_norm",
            .inputs = {x, weight, bias, running_mean, running_variance},
            .outputs = {{x.shape()}},
            .run = [o](Ops& ops, auto in, auto out, Workspace) {
              ops.batch_norm_inference(o, in[0], in[1], in[2], in[3], in[4], out[0]);
            }};
  }
  // The statistics are mean and inverse deviation, or the running mean and variance.
  OpCall backward(bool running, const Tensor& x, const Tensor& weight, const Tensor& mean, const Tensor& spread,
                  const Tensor& dy, const BatchNormOptions& o) const {
    return {.op = "batch_norm",
            .direction = Direction::backward,
            .inputs = {x, weight, mean, spread, dy},
            .outputs = {{x.shape()}, {weight.shape()}, {weight.shape()}},
            .run =
                [o, running](Ops& ops, auto in, auto out, Workspace w) {
                  if (running)
                    ops.batch_norm_inference_backward(o, in[0], in[1], in[2], in[3], in[4], out[0], out[1], out[2], w);
                  else
                    ops.batch_norm_backward(o, in[0], in[1], in[2], in[3], in[4], out[0], out[1], out[2], w);
                },
            .workspace = workspace_for(x)};
  }
  std::vector<Tensor> run(const OpCall& call) {
    Execution result = execute(device(), call);
    EXPECT_EQ(result.fault, "");
    return std::move(result.outputs);
  }
};

// 1, 3, 1, 3: mean 2, variance 1; with epsilon = 3 the inverse deviation is 1/2 and z = -1/2, 1/2, ... No rounding, but
// for the unbiased variance 4/3.
TEST_P(BatchNormTest, WorkedByHand) {
  const Shape one{1};
  const BatchNormOptions o{.epsilon = 3, .momentum = 0.5};
  const Tensor x = Tensor::from(Shape{4, 1}, {1, 3, 1, 3}), weight = filled(one, 2), bias = filled(one, 1);
  const std::vector<Tensor> y = run(forward(x, weight, bias, o, filled(one, 0), filled(one, 1)));
  EXPECT_TRUE(equal_to_truth(y[0], Tensor::from(Shape{4, 1}, {0, 2, 0, 2})));
  EXPECT_EQ(y[1].span<float>()[0], 2);
  EXPECT_EQ(y[2].span<float>()[0], 0.5f);
  EXPECT_EQ(y[3].span<float>()[0], 1);
  EXPECT_NEAR(y[4].span<float>()[0], 0.5 + 0.5 * 4 / 3, 1e-6);

  const Tensor dy = Tensor::from(Shape{4, 1}, {1, 2, 3, 4});
  const std::vector<Tensor> trained = run(backward(false, x, weight, y[1], y[2], dy, o));
  EXPECT_TRUE(equal_to_truth(trained[0], Tensor::from(Shape{4, 1}, {-1.375f, -0.625f, 0.625f, 1.375f})));
  EXPECT_EQ(trained[1].span<float>()[0], 1);
  EXPECT_EQ(trained[2].span<float>()[0], 10);

  // With running mean 1 and variance 1: z = 0, 1, 0, 1, and the gradient passes by weight / 2.
  EXPECT_TRUE(equal_to_truth(run(inference(x, weight, bias, o, filled(one, 1), filled(one, 1)))[0],
                             Tensor::from(Shape{4, 1}, {1, 3, 1, 3})));
  const std::vector<Tensor> frozen = run(backward(true, x, weight, filled(one, 1), filled(one, 1), dy, o));
  EXPECT_TRUE(equal_to_truth(frozen[0], dy));
  EXPECT_EQ(frozen[1].span<float>()[0], 6);
  EXPECT_EQ(frozen[2].span<float>()[0], 10);
}

// A channel of equal values has no variance: epsilon keeps the result finite, and the mean's rounding, which 1/sqrt of
// epsilon enlarges, stays within the bound.
TEST_P(BatchNormTest, EqualValues) {
  for (const float value : {0.0f, 0.1f, -3.7f, 1000.3f}) {
    LayerCase c = batch_norm_case("Equal", "", {3, 2, 5, 7});
    LayerData data = real_data(c);
    data.inputs[0] = filled(c.inputs[0], value);
    const std::vector<Tensor> y = run(forward_call(c, data));
    for (const float v : y[0].span<float>()) EXPECT_TRUE(std::isfinite(v)) << value;
    EXPECT_TRUE(check_bound(device(), forward_call(c, data), forward_tolerances(c, data))) << value;
    const LayerResult left = rounded(c, forward_truth(c, data));
    EXPECT_TRUE(check_bound(device(), backward_call(c, data, left, {0}), backward_tolerances(c, data, left, {0})))
        << value;
  }
}

// Values beside which their differences are small: a one-pass variance would lose every digit. Not in the table, because
// finite differences of such values lose too many digits themselves.
TEST_P(BatchNormTest, LargeMean) {
  for (const float mean : {1e3f, -3e4f, 1e6f}) {
    LayerCase c = batch_norm_case("Large", "", {4, 3, 7, 9}, {}, {.low = mean - 1, .high = mean + 1});
    const LayerData data = real_data(c);
    EXPECT_TRUE(check_bound(device(), forward_call(c, data), forward_tolerances(c, data))) << mean;
    const LayerResult left = rounded(c, forward_truth(c, data));
    EXPECT_TRUE(check_bound(device(), backward_call(c, data, left, {0}), backward_tolerances(c, data, left, {0})))
        << mean;
  }
}

// A NaN makes its whole channel NaN, and no other.
TEST_P(BatchNormTest, NaN) {
  LayerCase c = batch_norm_case("Nan", "", {3, 3, 4, 4});
  LayerData data = real_data(c);
  data.inputs[0].span<float>()[20] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_TRUE(check_bound(device(), forward_call(c, data), forward_tolerances(c, data)));
  const std::vector<Tensor> y = run(forward_call(c, data));
  for (std::size_t i = 0; i < y[0].span<float>().size(); ++i)
    EXPECT_EQ(std::isnan(y[0].span<float>()[i]), i / 16 % 3 == 1) << i;
}

TEST_P(BatchNormTest, Messages) {
  const Tensor x = reals({2, 3, 4}, random(0)), three = filled({3}, 1), two = filled({2}, 1);
  const auto refuses = [&](const OpCall& call, const std::string& what) {
    try {
      execute(device(), call);
      ADD_FAILURE() << "accepted: " << what;
    } catch (const InputError& e) {
      EXPECT_NE(std::string(e.what()).find(what), std::string::npos) << e.what();
    }
  };
  refuses(forward(reals({1, 3}, random(1)), three, three, {}, three, three),
          "batch_norm: expected more than one value per channel in training, got 1 sample of 1 position");
  refuses(forward(x, two, three, {}, three, three), "batch_norm_forward: weight: expected f32 [3]");
  refuses(forward(reals({6}, random(2)), three, three, {}, three, three), "[N, C] or [N, C, ...], got [6]");
  refuses(forward(x, three, three, {.epsilon = 0}, three, three), "epsilon: expected a number above 0, got 0");
  refuses(forward(x, three, three, {.momentum = 1.5}, three, three), "momentum: expected 0 to 1, got 1.5");
  refuses(inference(x, three, two, {}, three, three), "batch_norm_inference: bias: expected f32 [3]");
  refuses(backward(false, x, three, two, three, x, {}), "batch_norm_backward: mean: expected f32 [3]");
  refuses(backward(true, x, three, three, two, x, {}),
          "batch_norm_inference_backward: running_variance: expected f32 [3]");
}

INSTANTIATE_TEST_SUITE_P(All, BatchNormTest, devices_and_cases(FOVEA_TEST_DEVICES, by_hand), case_name<NamedCase>);

}  // namespace
}  // namespace fovea::test
