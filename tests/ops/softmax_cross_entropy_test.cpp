// SPDX-License-Identifier: Apache-2.0
#include "core/tolerance/softmax_cross_entropy.h"

#include <limits>

#include "tests/ops/random_configurations.h"
#include "tests/ops/softmax_cases.h"
#include "tests/support/op_test.h"

namespace fovea::test {
namespace {

class SoftmaxCrossEntropyTest : public OpTest<SoftmaxCase> {
 protected:
  Tensor logits(std::uint64_t tensor) const {
    return reals(param().x, random(tensor), param().offset - param().spread, param().offset + param().spread);
  }
  Tensor labels(std::uint64_t tensor) const {
    Tensor result({param().x[0]}, DType::i32);
    RandomStream stream = random(tensor);
    for (std::int32_t& label : result.span<std::int32_t>())
      label = static_cast<std::int32_t>(stream.below(static_cast<std::uint32_t>(param().x[1])));
    result.span<std::int32_t>().back() = static_cast<std::int32_t>(param().x[1] - 1);  // the last class too
    return result;
  }
  // outputs: loss, probabilities, losses
  OpCall forward(const Tensor& x, const Tensor& label) const {
    return {.op = "softmax_cross_entropy",
            .inputs = {x, label},
            .outputs = {{Shape{1}}, {param().x}, {Shape{param().x[0]}}},
            .run = [](Ops& ops, auto in, auto out, Workspace) {
              ops.softmax_cross_entropy_forward(in[0], in[1], out[1], out[2], out[0]);
            }};
  }
  static OpCall backward(const Tensor& probabilities, const Tensor& label, const Tensor& dloss) {
    return {.op = "softmax_cross_entropy",
            .direction = Direction::backward,
            .inputs = {probabilities, label, dloss},
            .outputs = {{probabilities.shape()}},
            .run = [](Ops& ops, auto in, auto out, Workspace) {
              ops.softmax_cross_entropy_backward(in[0], in[1], in[2], out[0]);
            }};
  }
  static Tolerances forward_tolerances(const Tensor& x, const Tensor& label) {
    return [x, label](const std::vector<Tensor>& truth) {
      const std::vector<Uncertain> inputs{{x.converted(DType::f64), {}}, {label, {}}};
      std::vector<Uncertain> saved{{truth[1], {}}, {truth[2], {}}};
      Uncertain loss{truth[0], {}};
      ForwardToleranceArgs args{truth_ops(), inputs, {}, loss, saved};
      softmax_cross_entropy_forward_tolerance(args);
      return std::vector<Tensor>{loss.tolerance, saved[0].tolerance, saved[1].tolerance};
    };
  }
};

TEST_P(SoftmaxCrossEntropyTest, Forward) {
  const Tensor x = logits(0), label = labels(1);
  const ZeroTrust trust = param().x[1] == 1 ? ZeroTrust::off : ZeroTrust::on;  // one class: the loss is 0
  EXPECT_TRUE(check_bound(device(), forward(x, label), forward_tolerances(x, label), trust));
}

TEST_P(SoftmaxCrossEntropyTest, ForwardNaN) {  // must reach the loss
  Tensor x = logits(2);
  x.span<float>()[0] = std::numeric_limits<float>::quiet_NaN();
  const Tensor label = labels(3);
  EXPECT_TRUE(check_bound(device(), forward(x, label), forward_tolerances(x, label), ZeroTrust::off));
}

TEST_P(SoftmaxCrossEntropyTest, Backward) {
  const Tensor label = labels(5), dloss = Tensor::from({1}, {0.75f});
  const Tensor probabilities =
      execute(truth_backend(), in_float64(forward(logits(4), label))).outputs[1].converted(DType::f32);
  const Tolerances tolerances = [&](const std::vector<Tensor>& truth) {
    const std::vector<Uncertain> inputs{{}, {label, {}}}, saved{{probabilities.converted(DType::f64), {}}, {}};
    const Uncertain output, gradient{dloss.converted(DType::f64), {}};
    Uncertain dlogits{truth[0], {}};
    BackwardToleranceArgs args{truth_ops(), inputs, {}, output, gradient, saved, {&dlogits, 1}, {}};
    softmax_cross_entropy_backward_tolerance(args);
    return std::vector<Tensor>{dlogits.tolerance};
  };
  EXPECT_TRUE(check_bound(device(), backward(probabilities, label, dloss), tolerances, ZeroTrust::off));
}

INSTANTIATE_TEST_SUITE_P(All, SoftmaxCrossEntropyTest, devices_and_cases(FOVEA_TEST_DEVICES, softmax_cases()),
                         case_name<SoftmaxCase>);

const bool registered =
    register_layer_tests("SoftmaxCrossEntropyLayer", FOVEA_TEST_DEVICES, {}, random_softmax_cross_entropy_case);

}  // namespace
}  // namespace fovea::test
