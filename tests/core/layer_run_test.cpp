// SPDX-License-Identifier: Apache-2.0
//
// One layer on named tensors: what comes back, and every refusal with its exact message.
#include "core/executor/layer_run.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "core/layers/add.h"
#include "core/layers/conv2d.h"
#include "core/layers/flatten.h"
#include "core/layers/linear.h"
#include "core/layers/max_pool2d.h"
#include "core/layers/one_hot.h"
#include "core/layers/softmax_cross_entropy.h"
#include "core/support/error.h"
#include "cpu_reference/reference_backend.h"

namespace fovea {
namespace {

Backend& reference() {
  static const std::unique_ptr<Backend> backend = make_reference_backend();
  return *backend;
}

std::vector<float> values(const Tensor& tensor) {
  const std::span<const float> span = tensor.span<float>();
  return {span.begin(), span.end()};
}

std::vector<std::string> names(const NamedTensors& tensors) {
  std::vector<std::string> result;
  for (const auto& entry : tensors) result.push_back(entry.first);
  return result;
}

std::string refusal(const Layer& layer, const NamedTensors& tensors, const LayerRunOptions& options = {}) {
  try {
    run_layer(layer, reference(), tensors, options);
  } catch (const InputError& error) {
    return error.what();
  }
  return "no refusal";
}

const Linear linear(LinearOptions{.out_features = 2});
const NamedTensors linear_tensors = {{"x", Tensor::from({1, 3}, {1, 2, 3})},
                                     {"weight", Tensor::from({2, 3}, {1, 0, -1, 2, 1, 0})},
                                     {"bias", Tensor::from({2}, {10, 20})},
                                     {"dy", Tensor::from({1, 2}, {1, -2})}};

NamedTensors with(NamedTensors tensors, const std::string& name, const Tensor& tensor) {
  tensors[name] = tensor;
  return tensors;
}
NamedTensors without(NamedTensors tensors, const std::string& name) {
  tensors.erase(name);
  return tensors;
}

TEST(LayerRun, ForwardAndBackwardByHand) {
  const NamedTensors results = run_layer(linear, reference(), linear_tensors, {.backward = true});
  EXPECT_EQ(names(results), (std::vector<std::string>{"dbias", "dweight", "dx", "y"}));
  EXPECT_EQ(values(results.at("y")), (std::vector<float>{8, 24}));
  EXPECT_EQ(values(results.at("dx")), (std::vector<float>{-3, -2, -1}));
  EXPECT_EQ(values(results.at("dweight")), (std::vector<float>{1, 2, 3, -2, -4, -6}));
  EXPECT_EQ(values(results.at("dbias")), (std::vector<float>{1, -2}));
  EXPECT_EQ(results.at("dx").shape(), (Shape{1, 3}));
}

TEST(LayerRun, ForwardAloneGivesNoGradientsAndNeedsNone) {
  EXPECT_EQ(names(run_layer(linear, reference(), without(linear_tensors, "dy"), {})), std::vector<std::string>{"y"});
  EXPECT_EQ(names(run_layer(linear, reference(), linear_tensors, {.phase = Phase::inference})),
            std::vector<std::string>{"y"});
}

TEST(LayerRun, SavedTensorsComeBack) {
  const NamedTensors results =
      run_layer(MaxPool2d({}), reference(), {{"x", Tensor::from({1, 1, 2, 2}, {1, 4, 3, 2})}}, {});
  EXPECT_EQ(results.size(), 2U);
  EXPECT_EQ(values(results.at("y")), std::vector<float>{4});
}

TEST(LayerRun, AnyNumberOfInputsAndViews) {
  const NamedTensors sum = run_layer(Add(), reference(),
                                     {{"x0", Tensor::from({1, 2}, {1, 2})},
                                      {"x1", Tensor::from({1, 2}, {3, 4})},
                                      {"dy", Tensor::from({1, 2}, {5, 6})}},
                                     {.backward = true});
  EXPECT_EQ(values(sum.at("y")), (std::vector<float>{4, 6}));
  EXPECT_EQ(values(sum.at("dx1")), (std::vector<float>{5, 6}));
  const NamedTensors flat =
      run_layer(Flatten(), reference(),
                {{"x", Tensor::from({1, 1, 1, 2}, {1, 2})}, {"dy", Tensor::from({1, 2}, {3, 4})}}, {.backward = true});
  EXPECT_EQ(flat.at("y").shape(), (Shape{1, 2}));
  EXPECT_EQ(flat.at("dx").shape(), (Shape{1, 1, 1, 2}));
  EXPECT_EQ(values(flat.at("dx")), (std::vector<float>{3, 4}));
}

TEST(LayerRun, LossesNeedNoUpstreamGradientAndTakeWideLabels) {
  const std::vector<std::int64_t> wide{1}, too_wide{std::int64_t{1} << 32};
  NamedTensors tensors = {{"logits", Tensor::from({1, 2}, {0, 0})},
                          {"labels", Tensor::from<std::int64_t>(Shape{1}, wide)}};
  const NamedTensors results = run_layer(SoftmaxCrossEntropy(), reference(), tensors, {.backward = true});
  EXPECT_FLOAT_EQ(values(results.at("y"))[0], std::log(2.0F));
  EXPECT_EQ(values(results.at("dlogits")), (std::vector<float>{0.5, -0.5}));
  EXPECT_EQ(results.count("dlabels"), 0U);
  tensors["dy"] = Tensor::from({1}, {2});
  EXPECT_EQ(values(run_layer(SoftmaxCrossEntropy(), reference(), tensors, {.backward = true}).at("dlogits")),
            (std::vector<float>{1, -1}));
  tensors["labels"] = Tensor::from<std::int64_t>(Shape{1}, too_wide);
  EXPECT_EQ(refusal(SoftmaxCrossEntropy(), tensors),
            "softmax_cross_entropy: tensor 'labels': element 0: expected a number of 32 bits, got 4294967296");
}

TEST(LayerRun, Float64OnTheReference) {
  const NamedTensors results = run_layer(linear, reference(), linear_tensors, {.backward = true, .dtype = DType::f64});
  EXPECT_EQ(results.at("y").dtype(), DType::f64);
  EXPECT_EQ(results.at("y").span<double>()[1], 24);
  EXPECT_EQ(refusal(linear, linear_tensors, {.dtype = DType::i32}),
            "dtype: expected f32, or f64 on the reference, got i32 on reference");
}

// State as batch normalisation has it: a counter of passes, and y = x * counter.
class Counting final : public Layer {
 public:
  std::string_view type() const override { return "counting"; }
  std::string_view op() const override { return "relu"; }
  Shape output_shape(Shapes inputs) const override { return inputs[0]; }
  std::vector<ParameterSpec> state(Shapes) const override {
    return {{"passes", Shape{1}, Initializer::constant, 0, {3}}};
  }
  BackwardReads backward_reads() const override { return {}; }
  void forward(Ops&, const ForwardArgs& args) const override {
    auto* passes = data_as<float>(args.state[0]);
    data_as<float>(args.output)[0] = data_as<float>(args.inputs[0])[0] * *passes;
    if (args.phase == Phase::training) *passes += 1;
  }
  void backward(Ops&, const BackwardArgs& args) const override {
    data_as<float>(args.input_gradients[0])[0] =
        args.inputs[0] || args.output ? std::numeric_limits<float>::quiet_NaN() : *data_as<float>(args.state[0]);
  }
  void forward_tolerance(ForwardToleranceArgs&) const override {}
  void backward_tolerance(BackwardToleranceArgs&) const override {}
};

TEST(LayerRun, StateStartsAtItsInitialValueAndComesBackInTraining) {
  const NamedTensors x = {{"x", Tensor::from({1}, {2})}};
  const NamedTensors first = run_layer(Counting(), reference(), x, {.backward = true});
  EXPECT_EQ(values(first.at("y")), std::vector<float>{6});
  EXPECT_EQ(values(first.at("passes")), std::vector<float>{4});
  EXPECT_EQ(values(first.at("dx")), std::vector<float>{4});  // backward reads state as forward left it
  const NamedTensors next = with(x, "passes", first.at("passes"));
  EXPECT_EQ(values(run_layer(Counting(), reference(), next, {}).at("y")), std::vector<float>{8});
  EXPECT_EQ(names(run_layer(Counting(), reference(), next, {.phase = Phase::inference})),
            std::vector<std::string>{"y"});
  EXPECT_EQ(values(next.at("passes")), std::vector<float>{4});  // the caller's tensor is left alone
}

TEST(LayerRun, RefusesWhatDoesNotFit) {
  const Tensor wrong = Tensor::zeros(Shape{2, 4});
  EXPECT_EQ(refusal(linear, with(linear_tensors, "weight", wrong)),
            "linear: tensor 'weight': expected f32 [2, 3], got f32 [2, 4]");
  EXPECT_EQ(refusal(linear, with(linear_tensors, "bias", Tensor::zeros(Shape{2}, DType::i32))),
            "linear: tensor 'bias': expected f32 [2], got i32 [2]");
  EXPECT_EQ(refusal(linear, with(linear_tensors, "x", Tensor::zeros(Shape{1, 3}, DType::f64))),
            "linear: tensor 'x': expected f32, got f64 [1, 3]");
  EXPECT_EQ(refusal(linear, with(linear_tensors, "dy", wrong)),
            "linear: tensor 'dy': expected f32 [1, 2], got f32 [2, 4]");
  EXPECT_EQ(refusal(linear, with(linear_tensors, "x", Tensor())),
            "linear: tensor 'x': expected f32, got an empty tensor");
  EXPECT_EQ(refusal(linear, with(linear_tensors, "x", Tensor::zeros(Shape{0, 3}))),
            "linear: tensor 'x': expected extents of at least 1, got [0, 3]");
  EXPECT_EQ(refusal(Conv2d({.out_channels = 1, .kernel = 3}), {{"x", Tensor::zeros(Shape{1, 1, 2, 2})}}),
            "conv2d: kernel: 3x3 with dilation 1x1 is larger than the padded input 2x2");
  EXPECT_EQ(refusal(linear, linear_tensors, {.engine = "library"}).substr(0, 8), "linear: ");
}

TEST(LayerRun, RefusesMissingAndUnknownTensors) {
  EXPECT_EQ(refusal(linear, {}), "linear: missing tensor 'x': expected f32, an input");
  EXPECT_EQ(refusal(linear, without(linear_tensors, "bias")),
            "linear: missing tensor 'bias': expected f32 [2], a parameter");
  EXPECT_EQ(refusal(linear, with(without(linear_tensors, "weight"), "weights", Tensor::zeros(Shape{2, 3}))),
            "linear: missing tensor 'weight': expected f32 [2, 3], a parameter (got 'weights')");
  EXPECT_EQ(refusal(linear, without(linear_tensors, "dy"), {.backward = true}),
            "linear: missing tensor 'dy': expected f32 [1, 2], the gradient of the output");
  EXPECT_EQ(refusal(linear, with(linear_tensors, "dz", Tensor::zeros(Shape{1}))),
            "linear: unknown tensor 'dz' (did you mean 'dy'?): expected x, weight, bias, dy");
  EXPECT_EQ(refusal(Add(), {{"x0", Tensor::zeros(Shape{1})}}).substr(0, 5), "add: ");
}

TEST(LayerRun, RefusesBackwardWhereThereIsNone) {
  EXPECT_EQ(refusal(linear, linear_tensors, {.backward = true, .phase = Phase::inference}),
            "linear: backward: expected the training phase, got inference");
  EXPECT_EQ(refusal(OneHot({.classes = 2}), {{"labels", Tensor::zeros(Shape{1}, DType::i32)}}, {.backward = true}),
            "one_hot: backward: it has no gradient");
}

}  // namespace
}  // namespace fovea
