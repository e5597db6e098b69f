// SPDX-License-Identifier: Apache-2.0
//
// How tolerances travel through the losses and log_softmax: inputs and upstream gradient stray by a quarter of their
// tolerances, in float64, and every result must stay within the propagated ones. (The root of the sum of squares holds
// for errors of which four deviations make the tolerance.)
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "core/layers/binary_cross_entropy.h"
#include "core/layers/hinge_loss.h"
#include "core/layers/log_softmax.h"
#include "core/layers/mean_squared_error.h"
#include "core/layers/soft_cross_entropy.h"
#include "core/layers/softmax_cross_entropy.h"
#include "core/tolerance/bound.h"
#include "tests/support/devices.h"
#include "tests/support/fill.h"

namespace fovea::test {
namespace {

struct Pass {
  Tensor output, gradient;  // of the first input
  std::vector<Tensor> saved;
};

Pass run(const Layer& layer, const std::vector<Tensor>& inputs, const std::vector<Tensor>& state, const Tensor& dy) {
  std::vector<Shape> shapes;
  std::vector<ConstView> input_views;
  for (const Tensor& t : inputs) shapes.push_back(t.shape()), input_views.push_back(t.view());
  Pass pass{Tensor(layer.output_shape(shapes), DType::f64), Tensor(shapes[0], DType::f64), {}};
  for (const SavedSpec& s : layer.saved(shapes)) pass.saved.push_back(Tensor(s.shape, DType::f64));
  std::vector<View> saved, states, gradients(inputs.size());
  std::vector<Tensor> state_copies;
  for (const Tensor& s : state) state_copies.push_back(s.to_host());
  for (Tensor& s : state_copies) states.push_back(s.view());
  for (Tensor& s : pass.saved) saved.push_back(s.view());
  gradients[0] = pass.gradient.view();
  const std::vector<ConstView> saved_read(saved.begin(), saved.end());
  layer.forward(truth_ops(), {.inputs = input_views,
                              .parameters = {},
                              .output = pass.output.view(),
                              .saved = saved,
                              .workspace = {},
                              .state = states,
                              .phase = Phase::training});
  layer.backward(truth_ops(), {.inputs = input_views,
                               .parameters = {},
                               .output = pass.output.view(),
                               .output_gradient = dy.view(),
                               .saved = saved_read,
                               .input_gradients = gradients,
                               .parameter_gradients = {},
                               .workspace = {},
                               .state = states});
  return pass;
}

Uncertain with_tolerance(const Tensor& value, double tolerance) {
  if (value.dtype() == DType::i32) return {value, {}};
  Uncertain u{value.converted(DType::f64), Tensor(value.shape(), DType::f64)};
  for (double& t : u.tolerance.span<double>()) t = tolerance;
  return u;
}

Tensor strayed(const Uncertain& x, const std::string& name) {
  Tensor result = x.value.to_host();
  if (x.tolerance.empty()) return result;
  RandomStream random = stream_for(name, 1);
  for (std::size_t i = 0; i < result.span<double>().size(); ++i)
    result.span<double>()[i] += (2 * static_cast<double>(random.uniform()) - 1) * values(x.tolerance)[i] / 4;
  return result;
}

void expect_covers(const Tensor& strayed, const Uncertain& truth, const std::string& what) {
  double worst = 0;
  for (std::int64_t i = 0; i < truth.value.elements(); ++i) {
    const auto at = static_cast<std::size_t>(i);
    const double error = std::abs(values(strayed)[at] - values(truth.value)[at]);
    worst = std::max(worst, error == 0 ? 0 : error / tolerance_at(truth, i));
  }
  EXPECT_LE(worst, 1) << what;
  EXPECT_GT(worst, 0.01) << what << ": so wide that it means nothing";
}

// Returns the undecided decisions.
std::int64_t expect_propagation(const std::string& name, const Layer& layer, const std::vector<Tensor>& inputs,
                                double tolerance, const std::vector<Tensor>& state = {}, bool exact_targets = false) {
  SCOPED_TRACE(name);
  std::vector<Shape> shapes;
  std::vector<Uncertain> uncertain, states;
  std::vector<Tensor> exact, moved;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    shapes.push_back(inputs[i].shape());
    uncertain.push_back(with_tolerance(inputs[i], tolerance));
    if (exact_targets && i == 1) uncertain[i].tolerance = {};
    exact.push_back(uncertain[i].value);
    moved.push_back(strayed(uncertain[i], name + std::to_string(i)));
  }
  for (const Tensor& s : state) states.push_back({s, {}});
  const Uncertain dy = with_tolerance(reals(layer.output_shape(shapes), stream_for(name, 0), 0.5f, 1), 0.1 * tolerance);
  const Pass truth = run(layer, exact, state, dy.value);
  const Pass other = run(layer, moved, state, strayed(dy, name + "dy"));

  std::vector<Uncertain> saved, gradients(inputs.size());
  for (const Tensor& s : truth.saved) saved.push_back({s, {}});
  Uncertain output{truth.output, {}};
  ForwardToleranceArgs forward{truth_ops(), uncertain, {}, output, saved};
  forward.state = states;
  layer.forward_tolerance(forward);
  expect_covers(other.output, output, "output");
  for (std::size_t i = 0; i < saved.size(); ++i) {
    const std::string saved_name = layer.saved(shapes)[i].name;
    if (saved_name != "total_weight") expect_covers(other.saved[i], saved[i], saved_name);
  }
  gradients[0].value = truth.gradient;
  BackwardToleranceArgs backward{truth_ops(), uncertain, {}, output, dy, saved, gradients, {}};
  backward.state = states;
  layer.backward_tolerance(backward);
  expect_covers(other.gradient, gradients[0], "gradient");
  return forward.undecided;
}

Tensor labels(const Shape& shape, std::int32_t classes) {
  Tensor result(shape, DType::i32);
  std::int32_t next = 0;
  for (std::int32_t& label : result.span<std::int32_t>()) label = next++ % classes;
  return result;
}

TEST(LossPropagation, LogSoftmax) {
  const Tensor x = reals({40, 7}, stream_for("LogSoftmax", 9), -3, 3);
  expect_propagation("LogSoftmax", LogSoftmax(), {x}, 0.02);
}

TEST(LossPropagation, SoftmaxCrossEntropyOfPositions) {
  const Tensor x = reals({3, 5, 4, 6}, stream_for("CrossEntropy", 9), -3, 3), label = labels({3, 4, 6}, 5);
  const Tensor weights = reals({5}, stream_for("Weights", 9), 0.1f, 3).converted(DType::f64);
  expect_propagation("Plain", SoftmaxCrossEntropy(), {x, label}, 0.02);
  const SoftmaxCrossEntropyOptions both{.label_smoothing = 0.2, .class_weights = {1, 1, 1, 1, 1}};
  expect_propagation("Both", SoftmaxCrossEntropy(both), {x, label}, 0.02, {weights});
}

TEST(LossPropagation, SoftCrossEntropy) {
  const Tensor weights = reals({5}, stream_for("Weights", 9), 0.1f, 3).converted(DType::f64);
  const SoftmaxCrossEntropyOptions both{.label_smoothing = 0.2, .class_weights = {1, 1, 1, 1, 1}};
  for (const Shape& shape : {Shape{12, 5}, Shape{3, 5, 4, 6}}) {
    const Tensor x = reals(shape, stream_for("SoftCrossEntropy", 9), -3, 3);
    Tensor targets = Tensor::zeros(shape);  // 3/4 of one class and 1/4 of the next
    const std::int64_t positions = shape.without_batch().without_batch().elements();
    for (std::int64_t i = 0; i < shape[0] * positions; ++i)
      for (std::int64_t k = 0; k < 2; ++k)
        targets.span<float>()[at((i / positions * 5 + (i + k) % 5) * positions + i % positions)] =
            k == 0 ? 0.75f : 0.25f;
    expect_propagation("Plain", SoftCrossEntropy(), {x, targets}, 0.02, {}, true);
    expect_propagation("Both", SoftCrossEntropy(both), {x, targets}, 0.02, {weights}, true);
  }
}

TEST(LossPropagation, MeanSquaredError) {
  const Tensor x = reals({9, 4, 5}, stream_for("X", 9)), target = reals({9, 4, 5}, stream_for("Target", 9));
  expect_propagation("MeanSquaredError", MeanSquaredError(), {x, target}, 0.05);
}

TEST(LossPropagation, BinaryCrossEntropy) {
  const Tensor x = reals({9, 20}, stream_for("X", 9), -3, 3), target = reals({9, 20}, stream_for("Target", 9), 0, 1);
  expect_propagation("BinaryCrossEntropy", BinaryCrossEntropy(), {x, target}, 0.05);
}

// Also where some classes may or may not count.
TEST(LossPropagation, HingeLoss) {
  const Tensor scores = reals({20, 8}, stream_for("Hinge", 9), -2, 2), label = labels({20}, 8);
  EXPECT_GT(expect_propagation("Plain", HingeLoss(), {scores, label}, 0.2), 0);
  EXPECT_GT(expect_propagation("Squared", HingeLoss({.squared = true}), {scores, label}, 0.2), 0);
  expect_propagation("Average", HingeLoss({.margin = 0.5, .average_classes = true}), {scores, label}, 0.01);
}

}  // namespace
}  // namespace fovea::test
