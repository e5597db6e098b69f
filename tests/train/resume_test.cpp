// SPDX-License-Identifier: Apache-2.0
//
// A run that is cut anywhere and resumed ends in the bytes of the whole one, whatever is remembered from step to step.
#include <gtest/gtest.h>

#include "cpu_reference/reference_backend.h"
#include "tests/data/files.h"
#include "tests/train/small_runs.h"

namespace fovea::test {
namespace {

struct Case {
  const char* name;
  TrainOptions options;
};

// Every optimizer, each with another schedule and whatever else keeps a state; 100 samples: a smaller last batch, and
// with micro-batches a smaller last step.
std::vector<Case> cases() {
  const TrainOptions base{.epochs = 3, .batch = 16, .seed = 3};
  std::vector<Case> result;
  const auto add = [&](const char* name, auto&& change) {
    result.push_back({name, base});
    change(result.back().options);
  };
  add("nesterov", [](TrainOptions& o) {
    o.optimizer = {.learning_rate = 0.05, .momentum = 0.9, .weight_decay = 1e-3, .nesterov = true};
    o.schedule = {.kind = ScheduleKind::one_cycle};
    o.micro_batch = 6;
    o.ema = 0.9;
  });
  add("rmsprop", [](TrainOptions& o) {
    o.optimizer = {.kind = OptimizerKind::rmsprop, .learning_rate = 0.001, .momentum = 0.5};
    o.schedule = {.kind = ScheduleKind::plateau, .gamma = 0.5, .patience = 0, .threshold = 0.9};
    o.clip_norm = 0.5;
  });
  add("adagrad", [](TrainOptions& o) {
    o.optimizer = {.kind = OptimizerKind::adagrad, .learning_rate = 0.05, .epsilon = 1e-10, .lr_decay = 0.1};
    o.schedule = {.kind = ScheduleKind::multi_step, .warmup_steps = 3, .milestones = {1, 2}};
    o.clip_value = 0.1;
  });
  add("adam", [](TrainOptions& o) {
    o.optimizer = {.kind = OptimizerKind::adam, .learning_rate = 0.01, .weight_decay = 1e-3};
    o.schedule = {.kind = ScheduleKind::cosine, .warmup_epochs = 0.5};
    o.groups = {.learning_rate_rules = {{"fc.*", 2}}, .no_decay_on_biases = true};
    o.ema = 0.99;
  });
  add("adamw", [](TrainOptions& o) {
    o.optimizer = {.kind = OptimizerKind::adamw, .learning_rate = 0.01, .weight_decay = 0.1};
    o.schedule = {.kind = ScheduleKind::exponential, .gamma = 0.5};
    o.groups = {.freeze = {"conv.bias"}};
    o.accumulate = 2;
    o.clip_norm = 1;
    o.ema = 0.5;
  });
  add("mixed", [](TrainOptions& o) {
    o.augment = "crop:1,noise:0.1,mixup:0.4,cutmix:1";
    o.accumulate = 2;
    o.micro_batch = 6;
  });
  add("bf16", [](TrainOptions& o) {
    o.precision = Precision::bf16;
    o.augment = "noise:0.1,mixup:0.4";
  });
  add("fp16", [](TrainOptions& o) {
    o.optimizer = {.kind = OptimizerKind::adam, .learning_rate = 0.01};
    o.precision = Precision::fp16;
    o.accumulate = 2;
    o.micro_batch = 6;
    o.clip_norm = 1;
    o.ema = 0.5;
  });
  return result;
}

class Resuming : public testing::Test {
 protected:
  // The bytes of the checkpoint and the metrics, one after the other.
  Bytes state(const Trainer& trainer, const std::string& earlier_metrics) {
    write_checkpoint(path_, trainer.checkpoint());
    Bytes bytes = read_bytes(path_);
    const std::string metrics = earlier_metrics + trainer.metrics();
    bytes.insert(bytes.end(), metrics.begin(), metrics.end());
    return bytes;
  }
  TemporaryDirectory directory_;
  const std::string path_ = directory_ / "last.safetensors";
  const Pairs data_{100};
  const Model model_ = whole_net();
  const std::unique_ptr<Backend> backend_ = make_reference_backend();
};

TEST_F(Resuming, AnywhereGivesTheSameBytes) {
  for (const Case& run : cases()) {
    SCOPED_TRACE(run.name);
    const TrainOptions& options = run.options;
    Trainer whole(model_, *backend_, data_, "pairs", options);
    while (whole.step()) continue;
    const std::int64_t steps = whole.steps_done(), each = whole.steps_per_epoch();
    const Bytes wanted = state(whole, "");
    for (const std::int64_t cut : {std::int64_t{0}, std::int64_t{1}, each - 1, each, each + 2, steps}) {
      TrainOptions part = options;
      part.max_steps = cut;
      Trainer first(model_, *backend_, data_, "pairs", part), second(model_, *backend_, data_, "pairs", options);
      while (first.step()) continue;
      const Bytes between = state(first, "");
      const Checkpoint saved = read_checkpoint(path_);
      second.resume(saved, path_);
      EXPECT_EQ(state(second, first.metrics()), between) << "cut at " << cut << ": a resumed run is saved as it was";
      while (second.step()) continue;
      EXPECT_EQ(state(second, first.metrics()), wanted) << "cut at " << cut;
    }
  }
}

// The test can fail: each thing that is remembered, once forgotten, leads elsewhere.
TEST_F(Resuming, ForgettingAnythingShows) {
  for (const Case& run : cases()) {
    SCOPED_TRACE(run.name);
    const TrainOptions& options = run.options;
    Trainer whole(model_, *backend_, data_, "pairs", options);
    while (whole.step()) continue;
    const Bytes wanted = state(whole, "");
    TrainOptions part = options;
    part.max_steps = whole.steps_per_epoch() + 1;
    Trainer first(model_, *backend_, data_, "pairs", part);
    while (first.step()) continue;
    const Checkpoint good = first.checkpoint();
    const auto differs = [&](const std::string& what, auto&& forget) {
      Checkpoint c = good;
      forget(c);
      Trainer second(model_, *backend_, data_, "pairs", options);
      second.resume(c, "test");
      while (second.step()) continue;
      EXPECT_NE(state(second, first.metrics()), wanted) << "without " << what;
    };
    const auto clear = [](Checkpoint::Tensors& tensors) {
      for (auto& [key, tensor] : tensors) tensor = Tensor::zeros(tensor.shape());
    };
    for (std::size_t s = 0; s < good.slots.size(); ++s)
      differs(good.slots[s].first, [&](Checkpoint& c) { clear(c.slots[s].second); });
    if (!good.average.empty()) differs("the average", [&](Checkpoint& c) { clear(c.average); });
    if (good.plateau)
      differs("the plateau", [&](Checkpoint& c) { c.plateau = PlateauState{options.optimizer.learning_rate}; });
    if (good.loss_scale) differs("the scale", [](Checkpoint& c) { c.loss_scale = LossScale{}; });
    differs("the step", [](Checkpoint& c) { ++c.step; });
  }
}

// A scale that is far too large: the first steps are skipped, before and after the cut.
TEST_F(Resuming, SkippedStepsAreResumed) {
  TrainOptions options = cases().back().options;
  ASSERT_EQ(options.precision, Precision::fp16);
  options.epochs = 12;
  Trainer fresh(model_, *backend_, data_, "pairs", options);
  Checkpoint start = fresh.checkpoint();
  start.loss_scale = LossScale{.scale = 0x1p30};
  Trainer whole(model_, *backend_, data_, "pairs", options);
  whole.resume(start, "test");
  while (whole.step()) continue;
  const std::int64_t skipped = whole.scaling()->skipped_steps;
  ASSERT_GE(skipped, 4);
  ASSERT_LT(skipped, whole.steps_done() - 4);
  const Bytes wanted = state(whole, "");
  for (const std::int64_t cut : {skipped - 2, skipped, skipped + 2}) {
    TrainOptions part = options;
    part.max_steps = cut;
    Trainer first(model_, *backend_, data_, "pairs", part), second(model_, *backend_, data_, "pairs", options);
    first.resume(start, "test");
    while (first.step()) continue;
    state(first, "");
    second.resume(read_checkpoint(path_), path_);
    while (second.step()) continue;
    EXPECT_EQ(state(second, first.metrics()), wanted) << "cut at " << cut;
  }
}

TEST_F(Resuming, RefusesOtherOptionsAndMissingMemory) {
  const TrainOptions options = cases()[3].options;
  Trainer trainer(model_, *backend_, data_, "pairs", options);
  const Checkpoint good = trainer.checkpoint();
  const auto refuses = [&](auto&& change, const std::string& says) {
    Checkpoint bad = good;
    change(bad);
    EXPECT_TRUE(holds(input_error([&] { trainer.resume(bad, "FILE"); }), {"FILE: cannot resume: ", says}));
  };
  refuses([](Checkpoint& c) { c.options.optimizer.kind = OptimizerKind::adamw; },
          "optimizer was \"adamw\" in the checkpoint and is \"adam\" now");
  refuses([](Checkpoint& c) { c.options.optimizer.beta2 = 0.5; }, "beta2 was 0.5 in the checkpoint and is 0.999 now");
  refuses([](Checkpoint& c) { c.options.precision = Precision::bf16; },
          "precision was \"bf16\" in the checkpoint and is \"fp32\" now");
  refuses([](Checkpoint& c) { c.loss_scale = LossScale{}; }, "the loss scale is missing");
  refuses([](Checkpoint& c) { c.options.ema = 0; }, "ema was 0.0 in the checkpoint and is 0.99 now");
  refuses([](Checkpoint& c) { c.options.epochs = 4; }, "epochs was 4 in the checkpoint and is 3 now");
  refuses([](Checkpoint& c) { c.slots.pop_back(); }, "what the optimizer or the average remembers is missing");
  refuses([](Checkpoint& c) { c.slots[0].first = "other"; }, "what the optimizer or the average remembers is missing");
  refuses([](Checkpoint& c) { c.average.clear(); }, "what the optimizer or the average remembers is missing");
  trainer.resume(good, "FILE");
}

TEST_F(Resuming, EvaluationTakesTheAverageWhereThereIsOne) {
  Trainer trainer(model_, *backend_, data_, "pairs", cases()[3].options);
  while (trainer.step()) continue;
  const Checkpoint c = trainer.checkpoint();
  ParameterArena plain(ParameterLayout::of(model_.graph), host_memory()), evaluated(plain.layout(), host_memory());
  load_weights(c, "FILE", plain);
  load_evaluation_weights(c, "FILE", evaluated);
  for (std::size_t i = 0; i < c.weights.size(); ++i) {
    const auto& [name, average] = c.average[i];
    EXPECT_EQ(values_of({{name, plain.get(i)}}), values_of({c.weights[i]})) << name;
    EXPECT_EQ(values_of({{name, evaluated.get(i)}}), values_of({{name, average}})) << name;
  }
  Checkpoint without = c;
  without.average.clear();
  load_evaluation_weights(without, "FILE", evaluated);
  EXPECT_EQ(values_of({{"", evaluated.get(0)}}), values_of({c.weights[0]}));
}

}  // namespace
}  // namespace fovea::test
