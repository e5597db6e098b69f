// SPDX-License-Identifier: Apache-2.0
//
// What the trainer does with gradients between the backward pass and the weights.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/tolerance/average.h"
#include "core/tolerance/bound.h"
#include "cpu_reference/reference_backend.h"
#include "tests/data/files.h"
#include "tests/support/checks.h"
#include "tests/support/devices.h"
#include "tests/train/small_runs.h"

namespace fovea::test {
namespace {

// One plain step of size 1: the weights move by the gradient.
TrainOptions one_step(std::int64_t batch, std::int64_t accumulate) {
  TrainOptions o{.batch = batch, .optimizer = {.learning_rate = 1}, .max_steps = 1};
  o.accumulate = accumulate;
  return o;
}

Checkpoint after(const Model& model, const Dataset& data, const TrainOptions& options) {
  const auto backend = make_reference_backend();
  Trainer trainer(model, *backend, data, "pairs", options);
  while (trainer.step()) continue;
  return trainer.checkpoint();
}

// Gradients of the linear machine are whole numbers divided by a power of two: exact, however they are cut.
TEST(Accumulation, EqualsTheBigBatchExactly) {
  const Pairs data(64);
  const Model model = margin_net();
  const Checkpoint whole = after(model, data, one_step(32, 1));
  for (const std::int64_t parts : {2, 4, 32}) {
    const Checkpoint c = after(model, data, one_step(32 / parts, parts));
    EXPECT_EQ(values_of(c.weights), values_of(whole.weights)) << parts << " batches";
  }
  EXPECT_NE(values_of(after(model, data, one_step(8, 1)).weights), values_of(whole.weights));
}

// 16 samples in batches of 6, 6 and 4: the mean is over all samples, not over batches.
TEST(Accumulation, ASmallerLastBatchCountsByItsSamples) {
  const Pairs data(16);
  const Model model = margin_net();
  const Checkpoint whole = after(model, data, one_step(16, 1)), parts = after(model, data, one_step(6, 3));
  const std::vector<float> a = values_of(whole.weights), b = values_of(parts.weights);
  // A gradient is a sum of 16 terms of at most 2/16 (two other classes); the terms and their sums are rounded in the
  // order of the batches, and scaled. The step's difference is rounded at the size of weight and gradient.
  const double terms = 16 * (2.0 / 16), squares = 16 * (2.0 / 16) * (2.0 / 16);
  const double of_gradient = sum_tolerance(16, terms, squares) + 3 * operation_bound * terms;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double size = std::max(std::abs(a[i]), std::abs(b[i]));
    EXPECT_NEAR(a[i], b[i], 2 * (of_gradient + operation_bound * (size + terms))) << i;
  }
  // The bound tells this from the mean of the batches' means: there a sample of the last batch counts 16/12.
  EXPECT_LT(2 * (of_gradient + operation_bound * 4), 0.01 / 16);
}

// Pieces of a batch are batches of their own in all but name: the same numbers, drawn masks and statistics included.
TEST(MicroBatches, EqualBatchesThatAreAddedUp) {
  const Pairs data(64);
  for (const Model& model : {margin_net(), whole_net()}) {
    for (const std::int64_t steps : {1, 3}) {
      TrainOptions added = one_step(8, 4), cut = one_step(32, 1);
      added.epochs = cut.epochs = 2;
      added.max_steps = cut.max_steps = steps;
      cut.micro_batch = 8;
      const Checkpoint a = after(model, data, added), b = after(model, data, cut);
      EXPECT_EQ(values_of(a.weights), values_of(b.weights)) << model.graph.name();
      EXPECT_EQ(values_of(a.state), values_of(b.state)) << model.graph.name();
      cut.micro_batch = 16;
      if (!b.state.empty()) {
        EXPECT_NE(values_of(after(model, data, cut).state), values_of(b.state));
      }
    }
  }
}

TEST(MicroBatches, EqualTheBigBatchExactly) {
  const Pairs data(64);
  const Model model = margin_net();
  const Checkpoint whole = after(model, data, one_step(32, 1));
  for (const std::int64_t piece : {1, 8, 16, 32}) {
    TrainOptions o = one_step(32, 1);
    o.micro_batch = piece;
    EXPECT_EQ(values_of(after(model, data, o).weights), values_of(whole.weights)) << "pieces of " << piece;
    TrainOptions both = one_step(16, 2);
    both.micro_batch = std::min<std::int64_t>(piece, 16);
    EXPECT_EQ(values_of(after(model, data, both).weights), values_of(whole.weights)) << "two batches of " << piece;
  }
}

// What is left over counts by its samples, in each step and in the smaller one that ends an epoch.
TEST(MicroBatches, RestsCountByTheirSamples) {
  const Pairs data(16);
  const Model model = margin_net();
  TrainOptions cut = one_step(16, 1);
  cut.micro_batch = 6;
  EXPECT_EQ(values_of(after(model, data, cut).weights), values_of(after(model, data, one_step(6, 3)).weights));
}

TEST(MicroBatches, AFailedPieceIsReplayed) {
  const Pairs data(64);
  const auto backend = make_reference_backend();
  const Model model = whole_net();
  TrainOptions o{.batch = 16, .max_steps = 2};
  o.micro_batch = 6;
  Trainer trainer(model, *backend, data, "pairs", o);
  ASSERT_TRUE(trainer.step());
  trainer.inject("conv");
  EXPECT_THROW(trainer.step(), NonFiniteError);
  const Replay replay = trainer.replay();
  EXPECT_EQ(replay.random_step, 3);  // three pieces of the first step
  EXPECT_EQ(replay.batch.images.shape(), (Shape{6, 1, 8, 8}));
  EXPECT_EQ(replay.batch.labels.shape(), Shape{6});
  const std::vector<std::int64_t> order = epoch_order(64, 1, 0);
  EXPECT_EQ(replay.samples, (std::vector<std::int64_t>{order.begin() + 16, order.begin() + 22}));
}

TEST(Accumulation, AnEpochIsFewerSteps) {
  const Pairs data(50);
  const auto backend = make_reference_backend();
  const Model model = plain_net();
  TrainOptions o{.epochs = 2, .batch = 8, .accumulate = 3};
  Trainer trainer(model, *backend, data, "pairs", o);
  EXPECT_EQ(trainer.steps_per_epoch(), 3);  // 24, 24 and 2 samples
  std::vector<std::int64_t> epochs;
  trainer.run([&](const Progress& p) { epochs.push_back(p.epoch); });
  EXPECT_EQ(epochs, (std::vector<std::int64_t>{1, 1, 1, 2, 2, 2}));
}

TEST(Clipping, BoundsTheStep) {
  const Pairs data(64);
  const Model model = margin_net();
  TrainOptions o = one_step(32, 1);
  o.max_steps = 0;
  const std::vector<float> start = values_of(after(model, data, o).weights);
  o.max_steps = 1;
  const auto step_of = [&](const TrainOptions& options) {
    std::vector<float> step = values_of(after(model, data, options).weights);
    for (std::size_t i = 0; i < step.size(); ++i) step[i] = start[i] - step[i];
    return step;
  };
  const std::vector<float> whole = step_of(o);
  const auto norm = [](const std::vector<float>& values) {
    double sum = 0;
    for (const float v : values) sum += double{v} * v;
    return std::sqrt(sum);
  };
  ASSERT_GT(norm(whole), 0.5);
  o.clip_norm = 0.25;
  // Each element is scaled and subtracted: two roundings at the size of weights that are below 1.
  EXPECT_NEAR(norm(step_of(o)), 0.25, operation_bound * std::sqrt(static_cast<double>(whole.size())) + 1e-6 * 0.25);
  o.clip_norm = 1000;
  EXPECT_EQ(step_of(o), whole);
  o.clip_norm = 0;
  o.clip_value = 0.0625;
  for (const float s : step_of(o)) EXPECT_LE(std::abs(s), 0.0625 + operation_bound);
  o.clip_value = 1000;
  EXPECT_EQ(step_of(o), whole);
}

TEST(Freezing, LeavesBytesUnchanged) {
  const Pairs data(64);
  const Model model = whole_net();
  TrainOptions o{.epochs = 2, .batch = 16, .optimizer = {.kind = OptimizerKind::adamw, .weight_decay = 0.1}};
  o.max_steps = 0;
  const Checkpoint start = after(model, data, o);
  o.max_steps = -1;
  o.groups.freeze = {"conv.*", "norm.bias"};
  const Checkpoint c = after(model, data, o);
  for (const auto& [name, tensor] : c.weights) {
    const bool frozen = name.starts_with("conv.") || name == "norm.bias";
    EXPECT_EQ(values_of(c.weights, name) == values_of(start.weights, name), frozen) << name;
    for (const auto& [slot, tensors] : c.slots) {
      const std::vector<float> kept = values_of(tensors, name);
      EXPECT_EQ(kept == std::vector<float>(kept.size()), frozen) << slot << " of " << name;
    }
  }
}

// Twice the rate on some: their step is twice as long, bit for bit. No decay on biases: theirs is the step without it.
TEST(GroupedTraining, MultipliesRateAndDecay) {
  const Pairs data(64);
  const Model model = margin_net();
  TrainOptions o = one_step(32, 1);
  o.optimizer.weight_decay = 0.5;
  const auto moved = [&](const TrainOptions& options, const std::string& name) {
    return values_of(after(model, data, options).weights, name);
  };
  TrainOptions faster = o, twice = o;
  faster.groups.learning_rate_rules = {{"fc.bias", 2}};
  twice.optimizer.learning_rate = 2;
  EXPECT_EQ(moved(faster, "fc.bias"), moved(twice, "fc.bias"));
  EXPECT_EQ(moved(faster, "fc.weight"), moved(o, "fc.weight"));
  TrainOptions spared = o, none = o;
  spared.groups.no_decay_on_biases = true;
  none.optimizer.weight_decay = 0;
  EXPECT_EQ(moved(spared, "fc.bias"), moved(none, "fc.bias"));
  EXPECT_EQ(moved(spared, "fc.weight"), moved(o, "fc.weight"));
  // Biases start at 0, which does not decay: the difference shows in the second step.
  spared.max_steps = o.max_steps = 2;
  EXPECT_NE(moved(spared, "fc.bias"), moved(o, "fc.bias"));
  EXPECT_EQ(moved(spared, "fc.weight"), moved(o, "fc.weight"));
}

TEST(Averaging, FollowsTheWeightsWithinTheBound) {
  const Pairs data(64);
  const Model model = plain_net();
  const auto backend = make_reference_backend();
  TrainOptions o{.epochs = 3, .batch = 16, .optimizer = {.learning_rate = 0.05, .momentum = 0.9}};
  o.ema = 0.75;
  Trainer trainer(model, *backend, data, "pairs", o);
  EXPECT_NE(trainer.evaluation_weights(), trainer.weights());
  std::vector<Uncertain> truth;
  while (trainer.step()) {
    const Checkpoint c = trainer.checkpoint();
    ASSERT_EQ(c.average.size(), c.weights.size());
    for (std::size_t i = 0; i < c.weights.size(); ++i) {
      const Uncertain w{c.weights[i].second.converted(DType::f64), {}};
      if (trainer.steps_done() == 1) {  // the average of one
        truth.push_back(w);
      } else {
        Uncertain next{truth[i].value.to_host(), {}};
        truth_ops().average_step(o.ema, next.value.view(), w.value.view(), {});
        average_tolerance(o.ema, truth[i], w, next);
        truth[i] = next;
      }
      EXPECT_TRUE(within_tolerance(c.average[i].second, truth[i])) << c.average[i].first;
    }
  }
  EXPECT_NE(values_of(trainer.checkpoint().average), values_of(trainer.checkpoint().weights));
  const auto loss = [&](const auto& weights) {
    return evaluate(model, *backend, weights, data, trainer.normalization()).loss;
  };
  EXPECT_NE(loss(trainer.evaluation_weights()), loss(trainer.weights()));
}

TEST(Metrics, TellTheLearningRate) {
  const Pairs data(40);
  const Model model = plain_net();
  const auto backend = make_reference_backend();
  TrainOptions o{.epochs = 2, .batch = 20, .optimizer = {.learning_rate = 0.5}};
  o.schedule = {.kind = ScheduleKind::step, .warmup_steps = 2, .step_size = 1, .gamma = 0.5};
  Trainer trainer(model, *backend, data, "pairs", o);
  std::vector<double> rates;
  trainer.run([&](const Progress& p) { rates.push_back(p.learning_rate); });
  EXPECT_EQ(rates, (std::vector<double>{0.25, 0.5, 0.25, 0.25}));
  std::size_t at = 0;
  for (const char* rate : {"0.25}", "0.5}", "0.25}", "0.25}"}) {
    at = trainer.metrics().find(std::string("\"learning_rate\": ") + rate, at);
    ASSERT_NE(at, std::string::npos) << trainer.metrics();
    ++at;
  }
}

// A finite loss whose gradient overflows: scores of 10^10 from weights of 10^38.
TEST(NonFinite, AGradientStopsTheRunAndIsNamed) {
  const Pairs data(64);
  const Model model = plain_net();
  const auto backend = make_reference_backend();
  TrainOptions o{.batch = 32};
  Trainer trainer(model, *backend, data, "pairs", o);
  Checkpoint spoilt = trainer.checkpoint();
  for (auto& [name, tensor] : spoilt.weights)
    for (std::int64_t i = 0; i < tensor.elements(); ++i)
      tensor.span<float>()[static_cast<std::size_t>(i)] = name == "conv.bias"                                ? 1e-30f
                                                          : name == "fc.weight" && i < tensor.elements() / 3 ? 3e38f
                                                                                                             : 0.0f;
  trainer.resume(spoilt, "test");
  const std::vector<float> before = values_of(trainer.checkpoint().weights);
  try {
    trainer.step();
    FAIL();
  } catch (const Error& e) {
    EXPECT_TRUE(holds(e.what(), {"diverged", "the gradient of 'conv.weight' is not finite at step 1"}));
  }
  EXPECT_EQ(values_of(trainer.checkpoint().weights), before);
}

TEST(BadOptions, AreRefusedBeforeTraining) {
  const Pairs data(64);
  const Model model = plain_net();
  const auto backend = make_reference_backend();
  const auto refuses = [&](auto&& change, const std::string& message) {
    TrainOptions o{.batch = 32};
    change(o);
    EXPECT_TRUE(holds(input_error([&] { Trainer(model, *backend, data, "pairs", o); }), {message}));
  };
  refuses([](TrainOptions& o) { o.accumulate = 0; }, "accumulate: expected at least 1 batch, got 0");
  refuses([](TrainOptions& o) { o.ema = 1; }, "ema: expected a number of at least 0 and below 1, got 1");
  refuses([](TrainOptions& o) { o.clip_norm = -1; }, "clip_norm: expected a number of at least 0, got -1");
  refuses([](TrainOptions& o) { o.clip_value = NAN; }, "clip_value: expected a number of at least 0, got nan");
  refuses([](TrainOptions& o) { o.optimizer.beta2 = 1; }, "beta2: expected a number of at least 0 and below 1, got 1");
  refuses([](TrainOptions& o) { o.optimizer.epsilon = 0; }, "epsilon: expected a number above 0, got 0");
  refuses([](TrainOptions& o) { o.optimizer.learning_rate = INFINITY; },
          "learning_rate: expected a number of at least");
  refuses([](TrainOptions& o) { o.schedule.gamma = 0; }, "gamma: expected a number above 0");
  refuses([](TrainOptions& o) { o.schedule.warmup_epochs = 1; },
          "warmup: expected fewer steps than the training's 2, got 2");
  refuses([](TrainOptions& o) { o.groups.freeze = {"nothing"}; }, "'nothing' matches none of conv.weight, conv.bias");
}

}  // namespace
}  // namespace fovea::test
