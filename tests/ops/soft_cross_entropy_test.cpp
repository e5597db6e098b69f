// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <limits>

#include "core/layers/softmax_cross_entropy.h"
#include "tests/ops/loss_checks.h"
#include "tests/ops/soft_cross_entropy_cases.h"
#include "tests/support/op_test.h"

namespace fovea::test {
namespace {

const bool registered = register_layer_tests("SoftCrossEntropyLayer", FOVEA_TEST_DEVICES, soft_cross_entropy_cases(),
                                             random_soft_cross_entropy_case);

class SoftCrossEntropyTest : public OpTest<LayerCase> {
 protected:
  LayerCase layer_case() const {
    LayerCase c = param();
    c.dtype = storage();
    return c;
  }
  const SoftmaxCrossEntropyOptions& options() const {
    return static_cast<const SoftCrossEntropy&>(*param().layer).options();
  }
};

// A NaN logit reaches the probabilities and the loss of its position, the mean, and no other position.
TEST_P(SoftCrossEntropyTest, NaN) { EXPECT_TRUE(check_nan(device(), layer_case())); }

// Targets that are no probabilities: an error where the device works on host memory, which names the row; elsewhere loss
// and gradient of that place are NaN and those of other places are not.
TEST_P(SoftCrossEntropyTest, TargetsThatAreNoProbabilities) {
  const LayerCase c = layer_case();
  const Shape x = c.inputs[0];
  const std::int64_t classes = x[1], positions = x.without_batch().without_batch().elements();
  const LayerData good = real_data(c);
  const LayerResult forward = rounded(c, forward_truth(c, good));
  const bool on_host = device().memory() == host_memory();  // can refuse at once
  const float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  const auto beyond = static_cast<float>(1 + 2 * target_sum_tolerance(classes, c.dtype));
  const std::vector<std::vector<float>> wrong{{1, 1}, {0, 0}, {-1, 2}, {2, -1}, {infinity, 0}, {nan, 1}, {beyond, 0}};
  for (const std::vector<float>& first_two : wrong)
    for (const std::int64_t place : {std::int64_t{0}, x[0] * positions - 1}) {
      SCOPED_TRACE(testing::Message() << first_two[0] << ", " << first_two[1] << " at " << place);
      LayerData data = good;
      Tensor targets = good.inputs[1].converted(DType::f32);
      for (std::int64_t k = 0; k < classes; ++k)
        targets.span<float>()[static_cast<std::size_t>((place / positions * classes + k) * positions +
                                                       place % positions)] =
            k < 2 ? first_two[static_cast<std::size_t>(k)] : 0;
      data.inputs[1] = stored(targets);
      const OpCall calls[] = {forward_call(c, data), backward_call(c, data, forward, {0})};
      if (on_host) {
        for (const OpCall& call : calls) try {
            execute(device(), call);
            ADD_FAILURE() << "the targets were accepted";
          } catch (const InputError& error) {
            const std::string row = "targets, row " + std::to_string(place / positions);
            EXPECT_NE(std::string(error.what()).find(row), std::string::npos) << error.what();
          }
        continue;
      }
      const Execution ahead = execute(device(), calls[0]), back = execute(device(), calls[1]);
      EXPECT_EQ(ahead.fault + back.fault, "");
      const Tensor gradient = back.outputs[0].converted(DType::f32);
      EXPECT_TRUE(std::isnan(ahead.outputs[0].span<float>()[0]));
      for (std::int64_t i = 0; i < x[0] * positions; ++i)
        EXPECT_EQ(std::isnan(ahead.outputs[2].span<float>()[static_cast<std::size_t>(i)]), i == place) << "loss " << i;
      for (std::int64_t i = 0; i < x.elements(); ++i) {
        const std::int64_t own = i / (classes * positions) * positions + i % positions;
        EXPECT_EQ(std::isnan(gradient.span<float>()[static_cast<std::size_t>(i)]), own == place) << "gradient " << i;
      }
    }
}

std::vector<std::vector<Tensor>> both_ways(Backend& device, const LayerCase& c, const LayerData& data) {
  const LayerResult forward = rounded(c, forward_truth(c, data));
  return {execute(device, forward_call(c, data)).outputs,
          execute(device, backward_call(c, data, forward, {0})).outputs};
}

// Weights of 1 and no weights are the same to the last bit.
TEST_P(SoftCrossEntropyTest, WeightsOfOneChangeNothing) {
  SoftmaxCrossEntropyOptions with = options(), without = options();
  with.class_weights.assign(static_cast<std::size_t>(param().inputs[0][1]), 1.0);
  without.class_weights = {};
  LayerCase weighted = layer_case(), plain = layer_case();
  weighted.layer = std::make_shared<SoftCrossEntropy>(with);
  weighted.state_fills = {{.low = 1, .high = 1}};
  plain.layer = std::make_shared<SoftCrossEntropy>(without);
  plain.state_fills = {};
  const auto a = both_ways(device(), weighted, real_data(weighted)), b = both_ways(device(), plain, real_data(plain));
  for (std::size_t i = 0; i < 3; ++i) EXPECT_TRUE(same_bits(a[0][i], b[0][i])) << i;
  EXPECT_TRUE(same_bits(a[1][0], b[1][0]));
}

// All of a row's probability on one class: softmax_cross_entropy with that label, whose truth holds the device too. (With
// class weights the two divide by different sums.)
TEST_P(SoftCrossEntropyTest, OneHotTargetsAreLabels) {
  LayerCase soft = layer_case();
  soft.layer =
      std::make_shared<SoftCrossEntropy>(SoftmaxCrossEntropyOptions{.label_smoothing = options().label_smoothing});
  soft.state_fills = {};
  LayerData data = real_data(soft);
  const Shape x = soft.inputs[0];
  const std::int64_t classes = x[1], positions = x.without_batch().without_batch().elements();
  LayerCase hard{.name = soft.name,
                 .layer = std::make_shared<SoftmaxCrossEntropy>(
                     SoftmaxCrossEntropyOptions{.label_smoothing = options().label_smoothing}),
                 .inputs = {x, x.without_batch().without_batch().with_batch(x[0])},
                 .dtype = soft.dtype};
  LayerData labelled{.inputs = {data.inputs[0], Tensor(hard.inputs[1], DType::i32)},
                     .parameters = {},
                     .state = {},
                     .output_gradient = data.output_gradient};
  Tensor targets = Tensor::zeros(x);
  for (std::int64_t i = 0; i < x[0] * positions; ++i) {
    const std::int64_t label = (7 * i + 1) % classes;
    labelled.inputs[1].span<std::int32_t>()[static_cast<std::size_t>(i)] = static_cast<std::int32_t>(label);
    targets.span<float>()[static_cast<std::size_t>((i / positions * classes + label) * positions + i % positions)] = 1;
  }
  data.inputs[1] = stored(targets);
  const LayerResult soft_truth = forward_truth(soft, data), hard_truth = forward_truth(hard, labelled);
  // Two orders of sums in float64, each within the bound at that precision, 2^-29 of float32's.
  const std::vector<Tensor> truth = execute(truth_backend(), in_float64(forward_call(soft, data))).outputs;
  const double bound = forward_bounds(soft, data, truth).tolerances[0].span<double>()[0] * 0x1p-28;
  EXPECT_NEAR(soft_truth.output.span<double>()[0], hard_truth.output.span<double>()[0], bound);
  EXPECT_TRUE(check_bound(device(), forward_call(soft, data), forward_tolerances(soft, data)));
  const LayerResult forward = rounded(soft, soft_truth);
  EXPECT_TRUE(check_bound(device(), backward_call(soft, data, forward, {0}),
                          backward_tolerances(soft, data, forward, {0}), ZeroTrust::off));
}

std::vector<LayerCase> chosen_soft_cases() {
  std::vector<LayerCase> chosen;
  for (const LayerCase& c : soft_cross_entropy_cases())
    for (const char* name : {"TwoClasses", "SmoothWarp33", "SmoothWeighted", "Masks", "MasksBoth", "TwoPositions"})
      if (c.name == name) chosen.push_back(c);
  return chosen;
}
INSTANTIATE_TEST_SUITE_P(All, SoftCrossEntropyTest, stored_devices_and_cases(FOVEA_TEST_DEVICES, chosen_soft_cases()),
                         case_name<LayerCase>);

// 15 times 1/15 is 1 + 7/8 of the tolerance in bf16, 109 times 1/109 nearly as far below 1 in f16: not the caller's
// mistake, so neither loss nor gradient may be refused.
class SoftCrossEntropySumTest : public OpTest<LayerCase> {};
TEST_P(SoftCrossEntropySumTest, RoundedTargetsAreProbabilities) {
  LayerCase c = param();
  c.dtype = storage();
  LayerData data = real_data(c);
  Tensor targets = Tensor::zeros(c.inputs[1]);
  std::ranges::fill(targets.span<float>(), 1.0f / static_cast<float>(c.inputs[1][1]));
  data.inputs[1] = stored(targets);
  const LayerResult forward = rounded(c, forward_truth(c, data));
  EXPECT_TRUE(check_bound(device(), forward_call(c, data), forward_tolerances(c, data)));
  EXPECT_TRUE(check_bound(device(), backward_call(c, data, forward, {0}), backward_tolerances(c, data, forward, {0})));
}
std::vector<LayerCase> sum_cases() {
  return {soft_case("Classes15", "far above 1 in bf16", {2, 15}, 0, false, 4, true),
          soft_case("Classes109", "far below 1 in f16", {2, 109}, 0, false, 4, true),
          soft_case("Masks15", "every pixel far above 1 in bf16", {1, 15, 2, 2}, 0, false, 4, true)};
}
INSTANTIATE_TEST_SUITE_P(All, SoftCrossEntropySumTest, stored_devices_and_cases(FOVEA_TEST_DEVICES, sum_cases()),
                         case_name<LayerCase>);

class SoftCrossEntropyHugeTest : public OpTest<LayerCase> {};
// The gradient of logits that are too large for finite differences.
TEST_P(SoftCrossEntropyHugeTest, Backward) {
  LayerCase c = param();
  c.phase = Phase::training;
  c.backward_trust = ZeroTrust::off;
  EXPECT_TRUE(check_backward(device(), c));
}
std::vector<LayerCase> huge_cases() {
  std::vector<LayerCase> cases = soft_cross_entropy_cases();
  std::erase_if(cases, [](const LayerCase& c) { return c.phase == Phase::training; });
  return cases;
}
INSTANTIATE_TEST_SUITE_P(All, SoftCrossEntropyHugeTest, devices_and_cases(FOVEA_TEST_DEVICES, huge_cases()),
                         case_name<LayerCase>);

// One position's numbers, of float64: scores log 1, log 2, log 5.
struct ByHand {
  double loss;
  std::vector<double> dlogits;
};
ByHand by_hand(const SoftmaxCrossEntropyOptions& options, const std::vector<double>& targets) {
  const LayerCase c{.name = "ByHand", .layer = std::make_shared<SoftCrossEntropy>(options), .inputs = {{1, 3}, {1, 3}}};
  LayerData data{.inputs = {Tensor::from<double>({1, 3}, std::vector<double>{0, std::log(2.0), std::log(5.0)}),
                            Tensor::from<double>({1, 3}, targets)},
                 .parameters = {},
                 .state = {},
                 .output_gradient = Tensor::from<double>({1}, std::vector<double>{1})};
  if (!options.class_weights.empty()) data.state = {Tensor::from<double>({3}, options.class_weights)};
  const LayerResult result = forward_truth(c, data);
  const Tensor dlogits = execute(truth_backend(), in_float64(backward_call(c, data, result, {0}))).outputs[0];
  return {result.output.span<double>()[0], {dlogits.span<double>().begin(), dlogits.span<double>().end()}};
}
void expect_near(const std::vector<double>& actual, const std::vector<double>& expected) {
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(actual[i], expected[i], 1e-15) << i;
}

TEST(SoftCrossEntropy, ByHand) {
  // nll = log 8, log 4, log 8/5; p = 1/8, 2/8, 5/8.
  const ByHand r = by_hand({}, {0.25, 0.75, 0});
  EXPECT_NEAR(r.loss, 0.25 * std::log(8.0) + 0.75 * std::log(4.0), 1e-15);
  expect_near(r.dlogits, {1.0 / 8 - 0.25, 2.0 / 8 - 0.75, 5.0 / 8});
}

TEST(SoftCrossEntropy, SmoothingByHand) {
  // e = 0.3: 0.7 t + 0.1.
  const ByHand r = by_hand({.label_smoothing = 0.3}, {0.25, 0.75, 0});
  EXPECT_NEAR(r.loss, 0.275 * std::log(8.0) + 0.625 * std::log(4.0) + 0.1 * std::log(8.0 / 5), 1e-15);
  expect_near(r.dlogits, {1.0 / 8 - 0.275, 2.0 / 8 - 0.625, 5.0 / 8 - 0.1});
}

TEST(SoftCrossEntropy, WeightsByHand) {
  // Shares 1/4, 3, 0, which add up to 3.25; nothing is divided by weights.
  const ByHand r = by_hand({.class_weights = {1, 4, 2}}, {0.25, 0.75, 0});
  EXPECT_NEAR(r.loss, 0.25 * std::log(8.0) + 3 * std::log(4.0), 1e-14);
  expect_near(r.dlogits, {3.25 / 8 - 0.25, 6.5 / 8 - 3, 16.25 / 8});
}

std::string message_of(const SoftmaxCrossEntropyOptions& options, const Shape& logits, const Shape& targets) {
  try {
    SoftCrossEntropy(options).output_shape(std::vector<Shape>{logits, targets});
  } catch (const InputError& e) {
    return e.what();
  }
  return "none";
}

TEST(SoftCrossEntropy, Errors) {
  EXPECT_EQ(message_of({}, {4, 3}, {4, 3}), "none");
  EXPECT_EQ(message_of({}, {4, 3, 5, 6}, {4, 3, 5, 6}), "none");
  const std::string shapes = "expected logits [N, classes, ...] and targets of their shape, got ";
  EXPECT_EQ(message_of({}, {4, 3}, {4}), shapes + "[4, 3] and [4]");
  EXPECT_EQ(message_of({}, {4, 3, 5, 6}, {4, 3, 5, 5}), shapes + "[4, 3, 5, 6] and [4, 3, 5, 5]");
  EXPECT_EQ(message_of({}, {4}, {4}), shapes + "[4] and [4]");
  EXPECT_EQ(message_of({.label_smoothing = 1}, {4, 3}, {4, 3}),
            "label_smoothing: expected at least 0 and below 1, got 1");
  EXPECT_EQ(message_of({.class_weights = {1, 2}}, {4, 3}, {4, 3}),
            "class_weights: expected one for each of the 3 classes, got 2");
  EXPECT_FALSE(SoftCrossEntropy().differentiable(1)) << "no gradient flows to the targets";
}

}  // namespace
}  // namespace fovea::test
