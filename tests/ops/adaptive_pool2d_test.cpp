// SPDX-License-Identifier: Apache-2.0
#include "core/ops/adaptive_pool2d.h"

#include <limits>

#include "tests/ops/adaptive_pool2d_cases.h"
#include "tests/support/op_test.h"

namespace fovea::test {
namespace {

constexpr float nan = std::numeric_limits<float>::quiet_NaN();
constexpr float infinity = std::numeric_limits<float>::infinity();

const bool registered_avg = register_layer_tests("AdaptiveAvgPool2d", FOVEA_TEST_DEVICES, adaptive_avg_pool2d_cases(),
                                                 random_adaptive_pool2d_case<AdaptiveAvgPool2d>);
const bool registered_max = register_layer_tests("AdaptiveMaxPool2d", FOVEA_TEST_DEVICES, adaptive_max_pool2d_cases(),
                                                 random_adaptive_pool2d_case<AdaptiveMaxPool2d>);

// What those tables do not see: numbers worked by hand, NaN, infinity, ties, and messages.
class AdaptivePool2dTest : public OpTest<NamedCase> {
 protected:
  OpCall average(const Tensor& x, Size2 output_size) const {
    const AdaptivePool2dOptions o{output_size};
    return {.op = "adaptive_pool2d",
            .inputs = {x},
            .outputs = {{adaptive_pool2d_output_shape(o, x.shape())}},
            .run = [o](Ops& ops, auto in, auto out, Workspace) { ops.adaptive_avg_pool2d_forward(o, in[0], out[0]); }};
  }
  OpCall average_gradient(const Tensor& dy, const Shape& x) const {
    return {.op = "adaptive_pool2d",
            .direction = Direction::backward,
            .inputs = {dy},
            .outputs = {{x}},
            .run = [o = AdaptivePool2dOptions{Size2(dy.shape()[2], dy.shape()[3])}](
                       Ops& ops, auto in, auto out, Workspace) { ops.adaptive_avg_pool2d_backward(o, in[0], out[0]); }};
  }
  OpCall maximum(const Tensor& x, Size2 output_size) const {
    const AdaptivePool2dOptions o{output_size};
    const Shape y = adaptive_pool2d_output_shape(o, x.shape());
    return {.op = "adaptive_pool2d",
            .inputs = {x},
            .outputs = {{y}, {y, DType::i32}},
            .run = [o](Ops& ops, auto in, auto out, Workspace) {
              ops.adaptive_max_pool2d_forward(o, in[0], out[0], out[1]);
            }};
  }
  OpCall maximum_gradient(const Tensor& dy, const Tensor& index, const Shape& x) const {
    return {.op = "adaptive_pool2d",
            .direction = Direction::backward,
            .inputs = {dy, index},
            .outputs = {{x}},
            .run = [o = AdaptivePool2dOptions{Size2(dy.shape()[2], dy.shape()[3])}](Ops& ops, auto in, auto out,
                                                                                    Workspace) {
              ops.adaptive_max_pool2d_backward(o, in[0], in[1], out[0]);
            }};
  }
  std::vector<Tensor> run(const OpCall& call) {
    Execution result = execute(device(), call);
    EXPECT_EQ(result.fault, "");
    return std::move(result.outputs);
  }
};

// 5 columns in 3 windows: [0, 2), [1, 4), [3, 5).
TEST_P(AdaptivePool2dTest, WorkedByHand) {
  const Tensor x = Tensor::from(Shape{1, 1, 1, 5}, {1, 2, 3, 10, 20});
  EXPECT_TRUE(equal_to_truth(run(average(x, {1, 3}))[0], Tensor::from(Shape{1, 1, 1, 3}, {1.5f, 5, 15})));
  const Tensor dy = Tensor::from(Shape{1, 1, 1, 3}, {2, 6, 10});
  EXPECT_TRUE(
      equal_to_truth(run(average_gradient(dy, x.shape()))[0], Tensor::from(Shape{1, 1, 1, 5}, {1, 3, 2, 7, 5})));
  const std::vector<Tensor> pooled = run(maximum(x, {1, 3}));
  EXPECT_TRUE(equal_to_truth(pooled[0], Tensor::from(Shape{1, 1, 1, 3}, {2, 10, 20})));
  EXPECT_EQ(pooled[1].span<std::int32_t>()[0], 1);
  EXPECT_EQ(pooled[1].span<std::int32_t>()[1], 3);
  EXPECT_EQ(pooled[1].span<std::int32_t>()[2], 4);
  EXPECT_TRUE(equal_to_truth(run(maximum_gradient(dy, pooled[1], x.shape()))[0],
                             Tensor::from(Shape{1, 1, 1, 5}, {0, 2, 0, 6, 10})));
}

// The first of equal elements and the first NaN win; an index counts within the image and not the window.
TEST_P(AdaptivePool2dTest, TiesAndNaN) {
  const Tensor x = Tensor::from(Shape{1, 2, 2, 4}, {5, 5, 1, 7,                    //
                                                    5, 5, 7, 7,                    //
                                                    1, nan, -infinity, -infinity,  //
                                                    9, nan, -infinity, -infinity});
  EXPECT_TRUE(check_exact(device(), maximum(x, {1, 2})));
  const std::vector<Tensor> pooled = run(maximum(x, {1, 2}));
  const auto index = pooled[1].span<std::int32_t>();
  EXPECT_EQ(std::vector<std::int32_t>(index.begin(), index.end()), (std::vector<std::int32_t>{0, 3, 1, 2}));
  const std::vector<Tensor> mean = run(average(x, {1, 2}));
  EXPECT_TRUE(equal_to_truth(mean[0], Tensor::from(Shape{1, 2, 1, 2}, {5, 5.5f, nan, -infinity})));
}

TEST_P(AdaptivePool2dTest, Messages) {
  const Tensor x = Tensor::zeros({1, 2, 4, 4}), wrong = Tensor::zeros({1, 2, 3, 3});
  const auto refuses = [&](OpCall call, const char* what) {
    try {
      execute(device(), call);
      ADD_FAILURE() << "accepted: " << what;
    } catch (const InputError& e) {
      EXPECT_NE(std::string(e.what()).find(what), std::string::npos) << e.what();
    }
  };
  OpCall call = average(x, 2);
  call.outputs[0].shape = {1, 2, 2, 3};
  refuses(call, "adaptive_avg_pool2d_forward: y: expected f32 [1, 2, 2, 2]");
  call = average_gradient(wrong, x.shape());
  call.outputs[0].shape = {2, 2, 4, 4};
  refuses(call, "adaptive_avg_pool2d_backward: dy: expected f32 [2, 2, 3, 3]");
  call = maximum(x, 2);
  call.outputs[1].dtype = DType::i64;
  refuses(call, "adaptive_max_pool2d_forward: index: expected i32 [1, 2, 2, 2]");
  refuses(maximum_gradient(wrong, x, x.shape()), "adaptive_max_pool2d_backward: index: expected i32 [1, 2, 3, 3]");
  call = average(x, 2);
  call.run = [](Ops& ops, auto in, auto out, Workspace) {
    ops.adaptive_avg_pool2d_forward({.output_size = {0, 2}}, in[0], out[0]);
  };
  refuses(call, "output_size: expected at least 1, got [0, 2]");
}

INSTANTIATE_TEST_SUITE_P(All, AdaptivePool2dTest, devices_and_cases(FOVEA_TEST_DEVICES, by_hand), case_name<NamedCase>);

}  // namespace
}  // namespace fovea::test
