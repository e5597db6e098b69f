// SPDX-License-Identifier: Apache-2.0
#include "tests/ops/softmax_cross_entropy_cases.h"

#include <limits>

#include "tests/ops/loss_checks.h"
#include "tests/ops/softmax_cases.h"
#include "tests/support/op_test.h"

namespace fovea::test {
namespace {

const bool registered = register_layer_tests("SoftmaxCrossEntropyLayer", FOVEA_TEST_DEVICES,
                                             softmax_cross_entropy_cases(), random_softmax_cross_entropy_case);

// Rows of scores, some too extreme for finite differences.
class SoftmaxCrossEntropyTest : public OpTest<SoftmaxCase> {
 protected:
  LayerCase layer_case() const {
    return {.name = param().name,
            .layer = std::make_shared<SoftmaxCrossEntropy>(),
            .inputs = {param().x, {param().x[0]}},
            .fills = {{.low = param().offset - param().spread, .high = param().offset + param().spread},
                      {.classes = param().x[1]}},
            .forward_trust = param().x[1] == 1 ? ZeroTrust::off : ZeroTrust::on,  // one class: the loss is 0
            .backward_trust = ZeroTrust::off,
            .dtype = storage()};
  }
};
TEST_P(SoftmaxCrossEntropyTest, Forward) { EXPECT_TRUE(check_forward(device(), layer_case())); }
TEST_P(SoftmaxCrossEntropyTest, Backward) { EXPECT_TRUE(check_backward(device(), layer_case())); }
INSTANTIATE_TEST_SUITE_P(All, SoftmaxCrossEntropyTest, stored_devices_and_cases(FOVEA_TEST_DEVICES, softmax_cases()),
                         case_name<SoftmaxCase>);

class CrossEntropyTest : public OpTest<LayerCase> {};

// A NaN logit reaches the probabilities and the loss of its position, the mean, and no other position.
TEST_P(CrossEntropyTest, NaN) { EXPECT_TRUE(check_nan(device(), param())); }
TEST_P(CrossEntropyTest, LabelsOutsideTheClasses) { EXPECT_TRUE(check_bad_labels(device(), param(), 1)); }

std::vector<std::vector<Tensor>> both_ways(Backend& device, const LayerCase& c, const LayerData& data) {
  const LayerResult forward = rounded(c, forward_truth(c, data));
  return {execute(device, forward_call(c, data)).outputs,
          execute(device, backward_call(c, data, forward, {0})).outputs};
}

// Weights of 1 and no weights are the same to the last bit.
TEST_P(CrossEntropyTest, WeightsOfOneChangeNothing) {
  const auto& layer = static_cast<const SoftmaxCrossEntropy&>(*param().layer);
  SoftmaxCrossEntropyOptions with = layer.options(), without = layer.options();
  with.class_weights.assign(static_cast<std::size_t>(param().inputs[0][1]), 1.0);
  without.class_weights = {};
  LayerCase weighted = param(), plain = param();
  weighted.layer = std::make_shared<SoftmaxCrossEntropy>(with);
  weighted.state_fills = {{.low = 1, .high = 1}};
  plain.layer = std::make_shared<SoftmaxCrossEntropy>(without);
  plain.state_fills = {};
  const auto a = both_ways(device(), weighted, real_data(weighted)), b = both_ways(device(), plain, real_data(plain));
  for (std::size_t i = 0; i < 4; ++i) EXPECT_TRUE(same_bits(a[0][i], b[0][i])) << i;
  EXPECT_TRUE(same_bits(a[1][0], b[1][0]));
}

// A class of weight 0 (torch's ignore_index by other means) counts nowhere.
TEST_P(CrossEntropyTest, AClassOfWeightZero) {
  SoftmaxCrossEntropyOptions options;
  options.class_weights.assign(static_cast<std::size_t>(param().inputs[0][1]), 1.0);
  LayerCase c = param();
  c.layer = std::make_shared<SoftmaxCrossEntropy>(options);
  c.state_fills = {{.low = 0.5f, .high = 1}};
  LayerData data = real_data(c);
  data.state[0].span<float>()[0] = 0;
  data.inputs[1].span<std::int32_t>()[0] = 0;
  const LayerResult truth = forward_truth(c, data);
  EXPECT_EQ(truth.saved[1].span<double>()[0], 0);
  EXPECT_TRUE(check_bound(device(), forward_call(c, data), forward_tolerances(c, data)));
  const LayerResult forward = rounded(c, truth);
  EXPECT_TRUE(check_bound(device(), backward_call(c, data, forward, {0}), backward_tolerances(c, data, forward, {0}),
                          ZeroTrust::off));
}

std::vector<LayerCase> chosen_cases() {
  std::vector<LayerCase> chosen;
  for (const LayerCase& c : softmax_cross_entropy_cases())
    for (const char* name : {"SmoothWarp33", "SmoothWeighted", "Masks", "MasksBoth", "TwoPositions"})
      if (c.name == name) chosen.push_back(c);
  return chosen;
}
INSTANTIATE_TEST_SUITE_P(All, CrossEntropyTest, devices_and_cases(FOVEA_TEST_DEVICES, chosen_cases()),
                         case_name<LayerCase>);

// One position's numbers, of float64: scores log 1, log 2, log 5.
struct ByHand {
  double losses, loss, total;
  std::vector<double> dlogits;
};
ByHand by_hand(const SoftmaxCrossEntropyOptions& options, std::int32_t label) {
  const LayerCase c{.name = "ByHand", .layer = std::make_shared<SoftmaxCrossEntropy>(options), .inputs = {{1, 3}, {1}}};
  LayerData data{.inputs = {Tensor::from<double>({1, 3}, std::vector<double>{0, std::log(2.0), std::log(5.0)}),
                            Tensor::from<std::int32_t>({1}, std::vector<std::int32_t>{label})},
                 .parameters = {},
                 .state = {},
                 .output_gradient = Tensor::from<double>({1}, std::vector<double>{1})};
  if (!options.class_weights.empty()) data.state = {Tensor::from<double>({3}, options.class_weights)};
  const LayerResult result = forward_truth(c, data);
  const Tensor dlogits = execute(truth_backend(), in_float64(backward_call(c, data, result, {0}))).outputs[0];
  return {result.saved[1].span<double>()[0],
          result.output.span<double>()[0],
          result.saved[2].span<double>()[0],
          {dlogits.span<double>().begin(), dlogits.span<double>().end()}};
}
void expect_near(const std::vector<double>& actual, const std::vector<double>& expected) {
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(actual[i], expected[i], 1e-15) << i;
}

TEST(SoftmaxCrossEntropy, SmoothingByHand) {
  // nll = log 8, log 4, log 8/5; e = 0.3: 0.7 log 4 + 0.1 (log 8 + log 4 + log 8/5).
  const ByHand r = by_hand({.label_smoothing = 0.3}, 1);
  EXPECT_NEAR(r.loss, 0.7 * std::log(4.0) + 0.1 * std::log(8.0 * 4 * 8 / 5), 1e-15);
  EXPECT_EQ(r.total, 1);
  expect_near(r.dlogits, {1.0 / 8 - 0.1, 2.0 / 8 - 0.8, 5.0 / 8 - 0.1});  // p - (1 - e) [c == label] - e / C
}

TEST(SoftmaxCrossEntropy, WeightsByHand) {
  const ByHand r = by_hand({.class_weights = {1, 4, 2}}, 1);
  EXPECT_NEAR(r.losses, 4 * std::log(4.0), 1e-14) << "each loss carries its weight";
  EXPECT_NEAR(r.loss, std::log(4.0), 1e-15) << "and the mean divides by the weights";
  EXPECT_EQ(r.total, 4);
  expect_near(r.dlogits, {1.0 / 8, 2.0 / 8 - 1, 5.0 / 8});
}

TEST(SoftmaxCrossEntropy, SmoothingAndWeightsByHand) {
  // (0.7 * 4 log 4 + 0.1 (log 8 + 4 log 4 + 2 log 8/5)) / 4
  const ByHand r = by_hand({.label_smoothing = 0.3, .class_weights = {1, 4, 2}}, 1);
  EXPECT_NEAR(r.loss, (3.2 * std::log(4.0) + 0.1 * std::log(8.0) + 0.2 * std::log(8.0 / 5)) / 4, 1e-15);
  expect_near(r.dlogits, {(2.8 * 1 / 8 + 0.1 * (7.0 / 8 - 1)) / 4, (2.8 * (2.0 / 8 - 1) + 0.1 * (14.0 / 8 - 4)) / 4,
                          (2.8 * 5 / 8 + 0.1 * (35.0 / 8 - 2)) / 4});
}

std::string message_of(const SoftmaxCrossEntropyOptions& options, const Shape& logits, const Shape& labels) {
  try {
    SoftmaxCrossEntropy(options).output_shape(std::vector<Shape>{logits, labels});
  } catch (const InputError& e) {
    return e.what();
  }
  return "none";
}

TEST(SoftmaxCrossEntropy, Errors) {
  EXPECT_EQ(message_of({}, {4, 3}, {4}), "none");
  EXPECT_EQ(message_of({}, {4, 3, 5, 6}, {4, 5, 6}), "none");
  const std::string shapes = "expected logits [N, classes, ...] and labels [N, ...], got ";
  EXPECT_EQ(message_of({}, {4, 3}, {3}), shapes + "[4, 3] and [3]");
  EXPECT_EQ(message_of({}, {4, 3, 5, 6}, {4, 5, 5}), shapes + "[4, 3, 5, 6] and [4, 5, 5]");
  EXPECT_EQ(message_of({}, {4, 3, 5, 6}, {4}), shapes + "[4, 3, 5, 6] and [4]");
  EXPECT_EQ(message_of({}, {4}, {4}), shapes + "[4] and [4]");
  const std::string smoothing = "label_smoothing: expected at least 0 and below 1, got ";
  EXPECT_EQ(message_of({.label_smoothing = 1}, {4, 3}, {4}), smoothing + "1");
  EXPECT_EQ(message_of({.label_smoothing = -0.1}, {4, 3}, {4}), smoothing + "-0.1");
  EXPECT_EQ(message_of({.class_weights = {1, 2}}, {4, 3}, {4}),
            "class_weights: expected one for each of the 3 classes, got 2");
  const std::string weights = "class_weights: expected numbers of at least 0, one above, got ";
  EXPECT_EQ(message_of({.class_weights = {0, 0, 0}}, {4, 3}, {4}), weights + "[0, 0, 0]");
  EXPECT_EQ(message_of({.class_weights = {1, -1, 2}}, {4, 3}, {4}), weights + "[1, -1, 2]");
  EXPECT_EQ(message_of({.class_weights = {1, 1e39, 2}}, {4, 3}, {4}), weights + "[1, 1e+39, 2]");
}

}  // namespace
}  // namespace fovea::test
