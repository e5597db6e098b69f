// SPDX-License-Identifier: Apache-2.0
//
// Fifty steps in bf16 on the emulator with all passes of the plan on, as `fovea train` makes them, beside the same training
// on the reference in float32. Both start with the same weights and see the same batches, and nothing brings them together
// again: whatever rounding, kernels, fusion, layouts and replayed steps do adds up, and may come to 1 % of the loss in no
// step. That is the strict reading of "the reference's loss". The reference in bf16 would round what bf16 rounds, and so
// forgive it.
//
// Of some steps, the first and the last among them, every layer is held against its bound (compare), and the trained step
// is shown to be made of just those layers: all of LeNet-5's, every seventh of AlexNet's, which cost the emulator three
// times what the step does.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <iostream>

#include "core/backend/device_list.h"
#include "core/compare/compare.h"
#include "core/models/models.h"
#include "core/train/training_model.h"
#include "tests/support/checks.h"
#include "tests/train/trained_step.h"

namespace fovea::test {
namespace {

constexpr int steps = 50;
constexpr double allowed = 0.01;  // of the reference's loss

struct Training {
  const char* net;
  const char* data;
  std::int64_t batch;
  double learning_rate;
  int isolated_every;
};
std::ostream& operator<<(std::ostream& out, const Training& t) { return out << t.net << " on " << t.data; }

TrainOptions options_of(const Training& training, Precision precision) {
  // No momentum: computed() makes one step, without a memory of those before. Weights that make the logits about 1 in size
  // let the loss fall from the first step on; with smaller ones deep nets hardly move in fifty steps.
  TrainOptions options{.batch = training.batch, .optimizer = {.learning_rate = training.learning_rate}, .seed = 3};
  options.init = "kaiming_normal";
  options.precision = precision;
  return options;
}

// That the trainer's steps have everything that plans do.
void expect_all_passes(const Model& model, Backend& emu, const Training& training) {
  const PlanOptions options = pass_options(model, Precision::bf16, training.batch, true);
  EXPECT_TRUE(options.passes.layouts && options.passes.fuse && options.kept_copies && !options.retain);
  const Plan plan = make_plan(model.graph, ParameterLayout::of(model.graph), emu, options);
  const auto count = [&](auto&& is) { return std::ranges::count_if(plan.steps, is); };
  const auto fused = [&](StepKind kind) {
    return count([&](const PlanStep& s) { return s.kind == kind && s.fused_relu >= 0; });
  };
  const auto relus = std::ranges::count_if(
      model.graph.nodes(), [](const Node& node) { return node.layer != nullptr && node.layer->type() == "relu"; });
  EXPECT_GT(relus, 0);
  EXPECT_EQ(fused(StepKind::forward), relus);
  EXPECT_EQ(fused(StepKind::backward), relus);
  EXPECT_GT(count([](const PlanStep& s) { return s.output.layout == Layout::nhwc; }), 0);
}

// Of a batch, with weights that were not trained with it.
float loss_of(const Model& model, Backend& backend, const Replay& weights, const Batch& batch) {
  NetRun run(model, backend, weights_of(weights), batch, DType::f32);
  run.executor().forward();
  return run.executor().read(model.loss).span<float>()[0];
}

class FiftySteps : public testing::TestWithParam<Training> {};

TEST_P(FiftySteps, StayWithinOnePercentOfTheReferencesLoss) {
  const Training& training = GetParam();
  const DataSplits data = open_data(training.data);
  const Model model = make_classifier(load_net(training.net, data.train->sample_shape(), data.train->classes()));
  const auto emu = open_device("emu"), reference = open_device("reference"), truth = open_device("reference");
  expect_all_passes(model, *emu, training);

  const TrainOptions options = options_of(training, Precision::bf16);
  Trainer trainer(model, *emu, *data.train, data.spec, options);
  Trainer right(model, *reference, *data.train, data.spec, options_of(training, Precision::fp32));
  EXPECT_EQ(trainer.not_captured(), "");
  const Replay first = trainer.replay();

  double worst = 0;
  Batch last;
  for (int step = 0; step < steps; ++step) {
    SCOPED_TRACE("step " + std::to_string(step));
    const bool isolated = step % training.isolated_every == 0;
    const Replay replay = trainer.replay();
    ASSERT_TRUE(same_bits(replay.batch.labels, right.replay().batch.labels));
    Step wanted;
    if (isolated) {
      const Comparison c =
          compare(model, *emu, *reference, *truth, weights_of(replay), replay.batch, {.dtype = DType::bf16});
      EXPECT_TRUE(c.ok) << c.first_divergent << ": " << c.worst_ratio;
      wanted = computed(model, *emu, replay, options, DType::bf16);
    }
    ASSERT_TRUE(trainer.step());
    ASSERT_TRUE(right.step());
    const double loss = double{last_loss(trainer)}, expected = double{last_loss(right)};
    worst = std::max(worst, std::abs(loss - expected) / expected);
    EXPECT_LE(std::abs(loss - expected), allowed * expected) << loss << ", the reference's " << expected;
    if (isolated) expect_left(trainer, wanted);
    last = replay.batch;
  }
  EXPECT_EQ((steps - 1) % training.isolated_every, 0) << "the last step is one of the isolated";

  // A training that stood still, or went half as far, would be noticed.
  const double expected = double{last_loss(right)}, untrained = double{loss_of(model, *reference, first, last)};
  std::cout << training.net << ": at most " << 100 * worst << " % from the reference's loss, which went from "
            << untrained << " to " << expected << " on the last batch\n";
  EXPECT_GT(untrained - expected, 2 * allowed * expected);
}

std::string case_name_of(const testing::TestParamInfo<Training>& instance) {
  std::string words = instance.param.net;
  std::ranges::replace(words, '-', '_');
  return words;
}
INSTANTIATE_TEST_SUITE_P(All, FiftySteps,
                         testing::Values(Training{"lenet5", "digits", 16, 1e-3, 1},
                                         Training{"alexnet-cifar", "synthetic:3x32x32:10", 8, 1e-4, 7}),
                         case_name_of);

}  // namespace
}  // namespace fovea::test
