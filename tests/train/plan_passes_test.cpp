// SPDX-License-Identifier: Apache-2.0
//
// Every pass of a plan on or off, every engine of our own kernels, captured or not: the same training. Bit for bit, but
// where an engine has another kernel for another layout; there every layer of every step of both trainings is held to its
// bound of float64, and the step is shown to be made of just those layers.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "core/backend/device_list.h"
#include "core/compare/compare.h"
#include "core/data/synthetic.h"
#include "core/layers/adaptive_pool2d.h"
#include "core/layers/add.h"
#include "core/models/models.h"
#include "core/train/training_model.h"
#include "tests/compare/faulty_layer.h"
#include "tests/support/checks.h"
#include "tests/train/small_runs.h"
#include "tests/train/trained_step.h"

namespace fovea::test {
namespace {

constexpr std::int64_t batch = 3, steps = 4;

// LeNet-5 in small, with layers that a fault may sit in.
Model small_lenet(std::shared_ptr<const Layer> conv2, std::shared_ptr<const Layer> pool1) {
  Graph g("small-lenet");
  NodeId x = g.input("image", {1, 8, 8});
  x = g.add("relu1", Relu(), g.add("conv1", Conv2d({.out_channels = 6, .kernel = 5, .padding = 2}), x));
  x = g.add("pool1", std::move(pool1), {x});
  x = g.add("relu2", Relu(), g.add("conv2", std::move(conv2), {x}));
  x = g.add("pool2", MaxPool2d({}), x);
  x = g.add("relu3", Relu(), g.add("fc1", Linear({.out_features = 12}), x));
  g.add("fc2", Linear({.out_features = 3}), x);
  return make_classifier(g);
}
const Conv2dOptions conv2_options{.out_channels = 8, .kernel = 3, .padding = 1};
Model small_lenet() {
  return small_lenet(std::make_shared<const Conv2d>(conv2_options),
                     std::make_shared<const MaxPool2d>(MaxPool2dOptions{}));
}

// One block of a ResNet.
Model small_block() {
  Graph g("small-block");
  const auto norm = [&](const std::string& name, NodeId x, std::int64_t stride) {
    const Conv2dOptions options{.out_channels = 8, .kernel = 3, .stride = stride, .padding = 1, .bias = false};
    return g.add(name + "_norm", BatchNorm({}), g.add(name, Conv2d(options), x));
  };
  const NodeId x = g.add("relu0", Relu(), norm("conv0", g.input("image", {1, 8, 8}), 2));
  const NodeId y = norm("conv2", g.add("relu1", Relu(), norm("conv1", x, 1)), 1);
  const NodeId sum = g.add("relu2", Relu(), g.add("add", Add(), {y, x}));
  g.add("fc", Linear({.out_features = 3}), g.add("mean", GlobalAvgPool2d(), sum));
  return make_classifier(g);
}

Model whole_lenet() { return make_classifier(lenet5()); }

std::unique_ptr<Dataset> data_for(const Model& model) {
  if (model.sample_shape() == Shape{1, 8, 8}) return std::make_unique<Pairs>(3 * batch);  // an epoch and a step
  return std::move(open_synthetic("1x28x28:10").train);
}

// Without momentum, so that a step follows from the weights before it alone.
TrainOptions options_for(Precision precision, PlanPasses passes, bool capture) {
  TrainOptions o{.epochs = 2, .batch = batch, .optimizer = {.learning_rate = 0.05}, .seed = 3, .max_steps = steps};
  o.precision = precision;
  o.passes = passes;
  o.capture = capture;
  return o;
}

// What a training leaves: its losses among the metrics, to the last digit.
struct Trained {
  std::string metrics;
  std::vector<float> weights, state;

  bool operator==(const Trained&) const = default;
};

Trained train(const Model& model, Backend& backend, const TrainOptions& options) {
  const std::unique_ptr<Dataset> data = data_for(model);
  const std::uint64_t before = backend.counts()->replays;
  Trainer trainer(model, backend, *data, "data", options);
  while (trainer.step()) continue;
  EXPECT_EQ(trainer.steps_done(), steps);
  EXPECT_EQ(static_cast<std::int64_t>(backend.counts()->replays - before), options.capture ? steps - 1 : 0);
  const Checkpoint c = trainer.checkpoint();
  return {trainer.metrics(), values_of(c.weights), values_of(c.state)};
}

// Every layer of every step of such a training, and that it is the same training.
void expect_steps_within_bounds(const Model& model, const std::string& engine, const TrainOptions& options,
                                const Trained& expected) {
  const DType dtype = storage_of(options.precision);
  const auto backend = open_device(engine), reference = open_device("reference"), truth = open_device("reference");
  const std::unique_ptr<Dataset> data = data_for(model);
  Trainer trainer(model, *backend, *data, "data", options);
  for (std::int64_t step = 0; step < steps; ++step) {
    const Replay replay = trainer.replay();
    EXPECT_EQ(replay.layouts, options.passes.layouts);
    const CompareOptions compared{.dtype = dtype, .layouts = options.passes.layouts};
    const Comparison c = compare(model, *backend, *reference, *truth, weights_of(replay), replay.batch, compared);
    EXPECT_TRUE(c.ok) << "step " << step << ": " << c.first_divergent << ": " << c.worst_ratio;
    const Step wanted = computed(model, *backend, replay, options, dtype);
    ASSERT_TRUE(trainer.step());
    expect_left(trainer, wanted);
  }
  EXPECT_EQ(trainer.metrics(), expected.metrics);
}

// Of a training step: how many steps apply a ReLU, how many leave images otherwise than in NCHW, and how many cast weights.
struct PassesAtWork {
  std::int64_t fused = 0, reordered = 0, casts = 0;
};
PassesAtWork passes_at_work(const Model& model, const std::string& engine, Precision precision, PlanPasses passes) {
  const auto dry = open_dry_device(engine);
  const PlanOptions options = pass_options(model, precision, batch, true, passes);
  const Plan plan = make_plan(model.graph, ParameterLayout::of(model.graph), *dry, options);
  PassesAtWork found;
  for (const PlanStep& step : plan.steps) {
    found.fused += step.fused_relu >= 0;
    found.casts += step.kind == StepKind::cast;
    found.reordered += step.kind == StepKind::forward && step.output.layout != Layout::nchw;
  }
  return found;
}

using Net = Model (*)();
using Parameters = std::tuple<Net, const char*, Precision>;

class PassesOnAndOff : public testing::TestWithParam<Parameters> {};

TEST_P(PassesOnAndOff, AreTheSameTraining) {
  const Model model = std::get<0>(GetParam())();
  const std::string engine = std::get<1>(GetParam());
  const Precision precision = std::get<2>(GetParam());
  // On tensor cores images lie in NHWC.
  const bool reorders = is_16_bit(storage_of(precision)) && engine != "emu:direct";
  const auto backend = open_device(engine);
  std::vector<Trained> by_layouts;
  for (const bool layouts : {true, false}) {
    const TrainOptions plain = options_for(precision, {.layouts = layouts, .fuse = false, .copies = false}, false);
    EXPECT_EQ(passes_at_work(model, engine, precision, plain.passes).casts > 0, is_16_bit(storage_of(precision)));
    const Trained expected = train(model, *backend, plain);
    for (const bool fuse : {true, false}) {
      const PlanPasses passes{.layouts = layouts, .fuse = fuse};
      const PassesAtWork found = passes_at_work(model, engine, precision, passes);
      EXPECT_EQ(found.fused > 0, fuse);
      EXPECT_EQ(found.reordered > 0, layouts && reorders);
      EXPECT_EQ(found.casts, 0);
      for (const bool capture : {true, false}) {
        if (!fuse && !capture) continue;
        SCOPED_TRACE(testing::Message() << "layouts " << layouts << ", fusion " << fuse << ", captured " << capture);
        const Trained other = train(model, *backend, options_for(precision, passes, capture));
        EXPECT_EQ(other.metrics, expected.metrics);
        EXPECT_TRUE(other == expected) << "weights or running statistics";
      }
    }
    if (layouts || reorders) expect_steps_within_bounds(model, engine, plain, expected);
    by_layouts.push_back(expected);
  }
  if (!reorders) {
    EXPECT_EQ(by_layouts[0].metrics, by_layouts[1].metrics);
    EXPECT_TRUE(by_layouts[0] == by_layouts[1]) << "weights or running statistics, with layouts and without";
  }
}

std::string case_name(const testing::TestParamInfo<Parameters>& instance) {
  std::string words = std::get<0>(instance.param)().graph.name() + "_" + std::get<1>(instance.param) + "_" +
                      std::string(name_of(std::get<2>(instance.param)));
  std::ranges::replace_if(
      words, [](char c) { return c == '-' || c == ':'; }, '_');
  return words;
}
const auto engines = testing::Values("emu:native", "emu:direct", "emu:auto");
const auto precisions = testing::Values(Precision::fp32, Precision::bf16);
INSTANTIATE_TEST_SUITE_P(Small, PassesOnAndOff,
                         testing::Combine(testing::Values(Net(small_lenet), Net(small_block)), engines, precisions),
                         case_name);
INSTANTIATE_TEST_SUITE_P(Long, PassesOnAndOff, testing::Combine(testing::Values(Net(whole_lenet)), engines, precisions),
                         case_name);

// Another first element, on the emulated device, whose memory lies in this process.
template <class T>
void spoil(const View& view, T value) {
  if (view.memory->device() == "emu") std::memcpy(view.data, &value, sizeof value);
}

Trained train_on_emu(const Model& model, PlanPasses passes, bool capture) {
  const auto backend = open_device("emu");
  return train(model, *backend, options_for(Precision::fp32, passes, capture));
}

// These tests can fail: what is wrong in one form alone shows where that form is taken.
TEST(PassesOnAndOffFaults, AFusedFormShows) {
  const auto fault = [](const ForwardArgs& args) {
    if (args.relu) spoil(args.output, 2.0f);
  };
  const Model faulty =
      small_lenet(std::make_shared<FaultyLayer>(std::make_shared<Conv2d>(conv2_options), fault, nullptr),
                  std::make_shared<MaxPool2d>(MaxPool2dOptions{}));
  EXPECT_NE(train_on_emu(faulty, {}, false).metrics, train_on_emu(faulty, {.fuse = false}, false).metrics);
  EXPECT_TRUE(train_on_emu(faulty, {.fuse = false}, false) == train_on_emu(small_lenet(), {.fuse = false}, false));
}

// The host spoils what it is told to; a replay does not.
TEST(PassesOnAndOffFaults, ACapturedStepShows) {
  const auto fault = [](const ForwardArgs& args) { spoil(args.output, 2.0f); };
  const Model faulty =
      small_lenet(std::make_shared<FaultyLayer>(std::make_shared<Conv2d>(conv2_options), fault, nullptr),
                  std::make_shared<MaxPool2d>(MaxPool2dOptions{}));
  EXPECT_NE(train_on_emu(faulty, {}, true).metrics, train_on_emu(faulty, {}, false).metrics);
}

TEST(PassesOnAndOffFaults, AnotherLayoutShows) {
  const auto fault = [](const ForwardArgs& args) {
    if (args.output.layout == Layout::nhwc) spoil(args.output, bf16_t(100.0f));
  };
  const Model faulty =
      small_lenet(std::make_shared<Conv2d>(conv2_options),
                  std::make_shared<FaultyLayer>(std::make_shared<MaxPool2d>(MaxPool2dOptions{}), fault, nullptr));
  const auto emu = open_device("emu"), reference = open_device("reference"), truth = open_device("reference");
  const std::unique_ptr<Dataset> data = data_for(faulty);
  Trainer trainer(faulty, *emu, *data, "data", options_for(Precision::bf16, {}, false));
  const Replay replay = trainer.replay();
  for (const bool layouts : {true, false}) {
    const CompareOptions compared{.dtype = DType::bf16, .layouts = layouts};
    const Comparison c = compare(faulty, *emu, *reference, *truth, weights_of(replay), replay.batch, compared);
    EXPECT_EQ(c.ok, !layouts) << c.worst_ratio;
    EXPECT_EQ(c.first_divergent, layouts ? "pool1" : "");
  }
}

}  // namespace
}  // namespace fovea::test
