// SPDX-License-Identifier: Apache-2.0
//
// The 16-bit copies of weights that live as long as a training (PlanPasses::copies): they are the rounded weights after
// whatever changes these, passes compute with them, and the training is bit for bit the one that casts in every pass.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <tuple>
#include <vector>

#include "core/backend/device_list.h"
#include "core/train/training_model.h"
#include "tests/compare/small_models.h"
#include "tests/data/files.h"
#include "tests/support/checks.h"
#include "tests/train/small_runs.h"

namespace fovea::test {
namespace {

Tensor fetched(Backend& backend, const View& view) {
  Tensor host(view.shape, view.dtype);
  backend.memory()->copy_to_host(host.view().data, view.data, view.bytes());
  return host;
}

// The gaps between parameters too, since one call of an update covers them.
testing::AssertionResult copy_is_current(Backend& backend, ParameterArena& weights) {
  if (!weights.copy()) return testing::AssertionFailure() << "there is no copy";
  const Tensor copy = fetched(backend, weights.copy());
  return same_bits(copy, fetched(backend, weights.trained()).converted(copy.dtype()));
}

struct CopyCase {
  const char* name;
  TrainOptions options;
};

// Every optimizer, each with something else that bears on weights.
std::vector<CopyCase> copy_cases() {
  const TrainOptions base{.epochs = 2, .batch = 8, .seed = 3};
  std::vector<CopyCase> result;
  const auto add = [&](const char* name, auto&& change) {
    result.push_back({name, base});
    change(result.back().options);
  };
  add("sgd, averaged", [](TrainOptions& o) {
    o.optimizer = {.learning_rate = 0.05, .momentum = 0.9, .weight_decay = 1e-3, .nesterov = true};
    o.ema = 0.9;
  });
  add("rmsprop, in pieces", [](TrainOptions& o) {
    o.optimizer = {.kind = OptimizerKind::rmsprop, .learning_rate = 0.001, .momentum = 0.5};
    o.micro_batch = 3;
  });
  add("adagrad, clipped", [](TrainOptions& o) {
    o.optimizer = {.kind = OptimizerKind::adagrad, .learning_rate = 0.05};
    o.clip_norm = 0.5;
  });
  add("adam, in groups", [](TrainOptions& o) {
    o.optimizer = {.kind = OptimizerKind::adam, .learning_rate = 0.01, .weight_decay = 1e-3};
    o.groups = {.learning_rate_rules = {{"fc.*", 2}}, .no_decay_on_biases = true};
  });
  add("adamw, frozen, call by call", [](TrainOptions& o) {
    o.optimizer = {.kind = OptimizerKind::adamw, .learning_rate = 0.01, .weight_decay = 0.1};
    o.groups = {.freeze = {"conv.*"}};
    o.capture = false;
  });
  return result;
}

class KeptCopies : public testing::TestWithParam<std::tuple<const char*, Precision>> {
 protected:
  Precision precision() const { return std::get<1>(GetParam()); }
  DType dtype() const { return storage_of(precision()); }

  const std::unique_ptr<Backend> backend_ = open_device(std::get<0>(GetParam()));
  const Pairs data_{20};  // a smaller last batch
  const Model model_ = whole_net();
};

TEST_P(KeptCopies, AreTheSameTrainingAsCasts) {
  for (const CopyCase& c : copy_cases()) {
    SCOPED_TRACE(c.name);
    TrainOptions options = c.options;
    options.precision = precision();
    Trainer keeping(model_, *backend_, data_, "pairs", options);
    options.passes.copies = false;
    Trainer casting(model_, *backend_, data_, "pairs", options);
    EXPECT_FALSE(casting.weights()->copy());
    EXPECT_TRUE(copy_is_current(*backend_, *keeping.weights())) << "at first";
    const Tensor first = fetched(*backend_, keeping.weights()->copy());
    for (int step = 1; step <= 5; ++step) {
      ASSERT_TRUE(keeping.step());
      ASSERT_TRUE(casting.step());
      EXPECT_TRUE(copy_is_current(*backend_, *keeping.weights())) << step;
    }
    EXPECT_FALSE(same_bits(fetched(*backend_, keeping.weights()->copy()), first)) << "nothing was trained";
    EXPECT_EQ(keeping.metrics(), casting.metrics());
    const Checkpoint kept = keeping.checkpoint(), cast = casting.checkpoint();
    EXPECT_EQ(values_of(kept.weights), values_of(cast.weights));
    EXPECT_EQ(values_of(kept.state), values_of(cast.state));
    EXPECT_EQ(values_of(kept.average), values_of(cast.average));
  }
}

TEST_P(KeptCopies, AreMadeAnewOnResume) {
  TrainOptions options = copy_cases().front().options;
  options.precision = precision();
  Trainer whole(model_, *backend_, data_, "pairs", options), resumed(model_, *backend_, data_, "pairs", options);
  for (int step = 0; step < 3; ++step) ASSERT_TRUE(whole.step());
  const Tensor first = fetched(*backend_, resumed.weights()->copy());
  resumed.resume(whole.checkpoint(), "test");
  EXPECT_TRUE(copy_is_current(*backend_, *resumed.weights()));
  EXPECT_FALSE(same_bits(fetched(*backend_, resumed.weights()->copy()), first));
  for (int step = 0; step < 2; ++step) {
    ASSERT_TRUE(whole.step());
    ASSERT_TRUE(resumed.step());
  }
  EXPECT_EQ(values_of(resumed.checkpoint().weights), values_of(whole.checkpoint().weights));
}

// In fp16 an overflow skips the step; in bf16 a fault halts it.
TEST_P(KeptCopies, StayAsTheyWereInAStepThatIsNotMade) {
  TrainOptions options = copy_cases().front().options;
  options.precision = precision();
  Trainer trainer(model_, *backend_, data_, "pairs", options);
  ASSERT_TRUE(trainer.step());
  Checkpoint c = trainer.checkpoint();
  if (precision() == Precision::fp16) c.loss_scale = LossScale{.scale = 0x1p40};
  trainer.resume(c, "test");
  const Tensor before = fetched(*backend_, trainer.weights()->copy());
  if (precision() == Precision::fp16) {
    ASSERT_TRUE(trainer.step());
    EXPECT_EQ(trainer.scaling()->skipped_steps, 1);
  } else {
    trainer.inject("conv");
    EXPECT_THROW(trainer.step(), NonFiniteError);
  }
  EXPECT_TRUE(same_bits(fetched(*backend_, trainer.weights()->copy()), before));
  EXPECT_TRUE(copy_is_current(*backend_, *trainer.weights()));
}

// And of nothing else: that a copy is stale would show.
TEST_P(KeptCopies, AreWhatPassesComputeWith) {
  const auto weights =
      std::make_shared<ParameterArena>(ParameterLayout::of(model_.graph), backend_->memory(), DType::f32, dtype());
  initialise(*weights, 1);
  PlanOptions options = pass_options(model_, precision(), 4, true);
  EXPECT_TRUE(options.kept_copies);
  Executor executor(model_.graph, *backend_, weights, options);
  const Batch batch = random_batch(model_, 4, 1);
  const auto logits = [&] {
    executor.set_input(model_.image, batch.images);
    executor.set_input(model_.label, batch.labels);
    executor.forward();
    return executor.read(model_.logits);
  };
  const Tensor wanted = logits();
  backend_->memory()->fill(weights->copy().data, 0, weights->copy().bytes());
  EXPECT_FALSE(same_bits(logits(), wanted));
  for (std::size_t i = 0; i < weights->layout().entries.size(); ++i)
    if (weights->layout().entries[i].trained) weights->set(i, weights->get(i));
  EXPECT_TRUE(copy_is_current(*backend_, *weights));
  EXPECT_TRUE(same_bits(logits(), wanted));
}

TEST_P(KeptCopies, AreWhatEvaluationsComputeWith) {
  const ParameterLayout layout = ParameterLayout::of(model_.graph);
  const auto loss = [&](const std::shared_ptr<ParameterArena>& weights) {
    return evaluate(model_, *backend_, weights, data_, measure_normalization(data_), 8, {}, precision()).loss;
  };
  const auto copied = std::make_shared<ParameterArena>(layout, backend_->memory(), DType::f32, dtype()),
             plain = std::make_shared<ParameterArena>(layout, backend_->memory());
  for (const auto& weights : {copied, plain}) initialise(*weights, 1);
  const double wanted = loss(plain);
  EXPECT_EQ(loss(copied), wanted);
  backend_->memory()->fill(copied->copy().data, 0, copied->copy().bytes());
  EXPECT_NE(loss(copied), wanted);
}

TEST_P(KeptCopies, LeaveNoCastInThePlan) {
  const ParameterLayout layout = ParameterLayout::of(model_.graph);
  const auto plan = [&](bool training, bool copies) {
    return make_plan(model_.graph, layout, *backend_,
                     pass_options(model_, precision(), 4, training, {.copies = copies}));
  };
  const auto casts = [](const Plan& p) {
    return std::ranges::count_if(p.steps, [](const PlanStep& step) { return step.kind == StepKind::cast; });
  };
  const Plan kept = plan(true, true), cast = plan(true, false);
  EXPECT_EQ(casts(kept), 0);
  EXPECT_EQ(casts(cast), 2) << "conv and fc";
  EXPECT_EQ(casts(plan(false, true)), 2) << "an evaluation has no update";
  EXPECT_TRUE(std::ranges::none_of(kept.buffers, [](const PlanBuffer& b) { return b.role == BufferRole::weight; }));
  EXPECT_EQ(kept.steps.size() + 2, cast.steps.size());
  // A weight that is multiplied with 16-bit values, and nothing else: neither biases nor what a batch norm scales by.
  for (const PlanStep& step : kept.steps)
    for (std::size_t i = 0; i < step.parameters.size(); ++i)
      EXPECT_EQ(step.kept[i], layout.entries[step.parameters[i]].spec.narrow);
}

INSTANTIATE_TEST_SUITE_P(All, KeptCopies,
                         testing::Combine(testing::Values("reference", "emu", "emu:direct"),
                                          testing::Values(Precision::bf16, Precision::fp16)));

TEST(KeptCopiesOfAnArena, FollowWhatIsSet) {
  const Model model = whole_net();
  ParameterArena weights(ParameterLayout::of(model.graph), host_memory(), DType::f32, DType::bf16);
  initialise(weights, 1);
  const std::vector<ParameterLayout::Entry>& entries = weights.layout().entries;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const View copy = weights.copy_entry(i);
    ASSERT_EQ(static_cast<bool>(copy), entries[i].trained) << "what layers keep has none";
    if (!copy) continue;
    EXPECT_EQ(copy.shape, entries[i].spec.shape);
    Tensor found(copy.shape, copy.dtype);
    host_memory()->copy(found.view().data, copy.data, copy.bytes());
    EXPECT_TRUE(same_bits(found, weights.get(i).converted(DType::bf16))) << entries[i].name;
  }
  EXPECT_EQ(weights.copy().bytes(), ParameterArena::copy_bytes(weights.layout(), DType::bf16));
  ParameterArena plain(weights.layout(), host_memory());
  EXPECT_FALSE(plain.copy());
  EXPECT_FALSE(plain.copy_entry(0));
  EXPECT_EQ(ParameterArena::copy_bytes(weights.layout(), DType::f32), 0u);
}

TEST(KeptCopiesOfAnArena, ArePlannedWhereTheyAre) {
  const Model model = whole_net();
  const auto backend = open_device("reference");
  const ParameterLayout layout = ParameterLayout::of(model.graph);
  const PlanOptions options = pass_options(model, Precision::bf16, 4, true);
  const auto executor = [&](DType copied) {
    return input_error([&] {
      Executor(model.graph, *backend, std::make_shared<ParameterArena>(layout, backend->memory(), DType::f32, copied),
               options);
    });
  };
  EXPECT_TRUE(holds(executor(DType::f32), {"net 'whole': expected weights with a copy in bf16, got none"}));
  EXPECT_TRUE(holds(executor(DType::f16), {"expected weights with a copy in bf16, got one in f16"}));
  PlanOptions wide = pass_options(model, Precision::fp32, 4, true);
  EXPECT_FALSE(wide.kept_copies);
  wide.kept_copies = true;
  EXPECT_TRUE(holds(input_error([&] { make_plan(model.graph, layout, *backend, wide); }),
                    {"kept copies of weights: expected a plan in bf16 or f16, got f32"}));
}

}  // namespace
}  // namespace fovea::test
