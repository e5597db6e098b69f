// SPDX-License-Identifier: Apache-2.0
//
// fp16: the scale of the loss grows, falls and is divided out again, and a step whose gradients overflow changes nothing.
#include <gtest/gtest.h>

#include <cmath>

#include "core/compare/net_run.h"
#include "core/train/training_model.h"
#include "cpu_reference/reference_backend.h"
#include "tests/compare/small_models.h"
#include "tests/data/files.h"
#include "tests/support/checks.h"
#include "tests/train/small_runs.h"

namespace fovea::test {
namespace {

TEST(LossScaler, GrowsAfterGoodStepsInARowAndFallsAtOnce) {
  LossScaler scaler({.scale = 8}, 2);
  const auto after = [&](bool finite) {
    scaler.update(finite);
    return scaler.state();
  };
  EXPECT_EQ(after(true), (LossScale{.scale = 8, .good_steps = 1, .skipped_steps = 0}));
  EXPECT_EQ(after(true), (LossScale{.scale = 16, .good_steps = 0, .skipped_steps = 0}));
  EXPECT_EQ(after(true), (LossScale{.scale = 16, .good_steps = 1, .skipped_steps = 0}));
  EXPECT_EQ(after(false), (LossScale{.scale = 8, .good_steps = 0, .skipped_steps = 1}));
  EXPECT_EQ(after(true), (LossScale{.scale = 8, .good_steps = 1, .skipped_steps = 1}));
  EXPECT_EQ(after(false), (LossScale{.scale = 4, .good_steps = 0, .skipped_steps = 2}));
  EXPECT_EQ(after(false), (LossScale{.scale = 2, .good_steps = 0, .skipped_steps = 3}));
  EXPECT_TRUE(scaler.can_fall());
  EXPECT_EQ(after(false).scale, 1);
  EXPECT_FALSE(scaler.can_fall());
  LossScaler top({.scale = LossScaler::largest}, 1);
  top.update(true);
  EXPECT_EQ(top.state(), (LossScale{.scale = LossScaler::largest, .good_steps = 0, .skipped_steps = 0}));
  EXPECT_EQ(LossScaler().scale(), 65536);
  EXPECT_EQ(LossScaler::default_interval, 2000);
}

TEST(LossScaler, TakesPowersOfTwoOnly) {
  for (const double scale : {0.5, 0.0, -2.0, 3.0, 1000.0, 0x1p127, double{INFINITY}, double{NAN}})
    EXPECT_TRUE(holds(input_error([&] { LossScaler({.scale = scale}); }),
                      {"loss scale: expected a power of two from 1 to 2^126, got "}))
        << scale;
}

// Every operation of a backward pass is linear in the gradient that comes in, so that a power of two passes through all of
// them, and through their roundings, exactly.
TEST(ScaledGradients, PowersOfTwoLeaveNoTrace) {
  const auto backend = make_reference_backend();
  for (const Model& model : {every_layer(), whole_net()}) {
    const Batch batch = random_batch(model, 4, 1);
    NetRun run(model, *backend, initial_weights(model, 1), batch, DType::f32);
    const std::vector<ParameterRun> all = parameter_runs(run.weights().layout(), {});
    const auto gradients = [&](double scale) {
      run.executor().set_loss_scale(scale);
      run.executor().forward();
      run.executor().backward();
      Gradients(*backend, run.executor().gradients(), all).scale(1 / scale);
      std::vector<float> values;
      for (std::size_t i = 0; i < run.weights().layout().entries.size(); ++i) {
        const Tensor g = run.executor().gradients()->get(i);
        values.insert(values.end(), g.span<float>().begin(), g.span<float>().end());
      }
      return values;
    };
    const std::vector<float> wanted = gradients(1);
    for (const double scale : {2.0, 1024.0, 65536.0, 0x1p40}) EXPECT_EQ(gradients(scale), wanted) << scale;
    EXPECT_NE(gradients(3), wanted) << "the test sees roundings";
    EXPECT_EQ(gradients(1), wanted);
  }
}

class LossScaling : public testing::Test {
 protected:
  LossScaling() { options_.precision = Precision::fp16; }

  // A trainer that goes on from the initial weights with this scale.
  std::unique_ptr<Trainer> trainer(const Model& model, const LossScale& scale) {
    auto made = std::make_unique<Trainer>(model, *backend_, data_, "pairs", options_);
    Checkpoint c = made->checkpoint();
    c.loss_scale = scale;
    made->resume(c, "test");
    return made;
  }
  static std::vector<float> everything(const Checkpoint& c) {
    std::vector<float> all = values_of(c.weights);
    const auto add = [&](const Checkpoint::Tensors& tensors) {
      const std::vector<float> values = values_of(tensors);
      all.insert(all.end(), values.begin(), values.end());
    };
    add(c.state);
    for (const auto& [slot, tensors] : c.slots) add(tensors);
    return all;
  }
  const Pairs data_{64};
  const std::unique_ptr<Backend> backend_ = make_reference_backend();
  TrainOptions options_{.epochs = 40, .batch = 16, .seed = 3};
};

TEST_F(LossScaling, AnOverflowSkipsTheStep) {
  options_.optimizer = {.kind = OptimizerKind::adam, .learning_rate = 0.01};
  options_.ema = 0.5;
  const Model model = whole_net();
  const auto t = trainer(model, {.scale = 0x1p40, .good_steps = 5});
  const Checkpoint before = t->checkpoint();
  ASSERT_TRUE(t->step());
  const Checkpoint skipped = t->checkpoint();
  EXPECT_EQ(skipped.step, 1);
  EXPECT_EQ(skipped.loss_scale, (LossScale{.scale = 0x1p39, .good_steps = 0, .skipped_steps = 1}));
  EXPECT_EQ(everything(skipped), everything(before));
  EXPECT_FALSE(before.state.empty());
  EXPECT_EQ(values_of(skipped.average, "fc.weight"), values_of(before.weights, "fc.weight"));
  EXPECT_TRUE(holds(t->metrics(), {"\"loss_scale\": 1099511627776, \"skipped\": true}\n"}));

  // The scale falls until a step can be made. It is the optimizer's first: Adam then moves every weight by its rate.
  while (t->scaling()->good_steps == 0) ASSERT_TRUE(t->step());
  const Checkpoint made = t->checkpoint();
  EXPECT_EQ(made.loss_scale->skipped_steps, made.step - 1);
  EXPECT_LE(made.loss_scale->scale, 0x1p30);
  EXPECT_NE(values_of(made.state), values_of(before.state));
  EXPECT_EQ(values_of(made.average, "fc.weight"), values_of(made.weights, "fc.weight")) << "the average of one";
  const std::vector<float> a = values_of(before.weights, "fc.weight"), b = values_of(made.weights, "fc.weight");
  double most = 0;
  for (std::size_t i = 0; i < a.size(); ++i) most = std::max(most, std::abs(double{b[i]} - double{a[i]}));
  EXPECT_NEAR(most, 0.01, 1e-5);
  EXPECT_TRUE(holds(t->metrics(), {"\"skipped\": false}\n"}));
}

// Pieces are added up before they are looked at: one that overflowed spoils the sum.
TEST_F(LossScaling, AnOverflowOfOnePieceSkipsTheStep) {
  options_.micro_batch = 6;
  options_.clip_norm = 1;
  const Model model = whole_net();
  const auto t = trainer(model, {.scale = 0x1p40});
  const Checkpoint before = t->checkpoint();
  ASSERT_TRUE(t->step());
  EXPECT_EQ(everything(t->checkpoint()), everything(before));
  EXPECT_EQ(t->scaling()->skipped_steps, 1);
}

TEST_F(LossScaling, GrowsWhileTraining) {
  const Model model = plain_net();
  const auto t = trainer(model, {.scale = 1024, .good_steps = LossScaler::default_interval - 1, .skipped_steps = 0});
  ASSERT_TRUE(t->step());
  EXPECT_EQ(*t->scaling(), (LossScale{.scale = 2048, .good_steps = 0, .skipped_steps = 0}));
  EXPECT_TRUE(holds(t->metrics(), {"\"loss_scale\": 1024, \"skipped\": false}\n"}));
  TrainOptions wide = options_;
  wide.precision = Precision::bf16;
  Trainer unscaled(model, *backend_, data_, "pairs", wide);
  ASSERT_TRUE(unscaled.step());
  EXPECT_EQ(unscaled.metrics().find("loss_scale"), std::string::npos);
  EXPECT_EQ(unscaled.scaling(), nullptr);
  EXPECT_FALSE(unscaled.checkpoint().loss_scale);
}

// Clipping looks at gradients without their scale: a limit above their norm changes nothing, whatever the scale is.
TEST_F(LossScaling, ClippingSeesGradientsAsTheyAre) {
  const Model model = margin_net();  // exact in 16 bits: sums of sixteenths
  options_.optimizer = {.learning_rate = 1};
  options_.max_steps = 1;
  const auto weights = [&](double norm, double scale) {
    options_.clip_norm = norm;
    const auto t = trainer(model, {.scale = scale});
    while (t->step()) continue;
    EXPECT_EQ(t->scaling()->skipped_steps, 0);
    return values_of(t->checkpoint().weights);
  };
  const std::vector<float> plain = weights(0, 1);
  EXPECT_EQ(weights(100, 1024), plain);
  EXPECT_EQ(weights(0.25, 1024), weights(0.25, 1));
  EXPECT_NE(weights(0.25, 1), plain);
}

// Weights for which the loss is finite in f16, but a gradient is not, by itself: the features' is 2 * 60000.
Checkpoint overflowing(Checkpoint c, float feature, float weight) {
  for (auto& [name, tensor] : c.weights)
    for (std::int64_t i = 0; i < tensor.elements(); ++i)
      tensor.span<float>()[static_cast<std::size_t>(i)] = name == "conv.bias" ? feature
                                                          : name == "fc.weight"
                                                              ? (i < tensor.elements() / 3 ? weight : -weight)
                                                              : 0.0f;
  return c;
}

std::string divergence(Trainer& trainer) {
  try {
    while (trainer.step()) continue;
  } catch (const NonFiniteError& error) {
    return error.what();
  }
  return "";
}

TEST_F(LossScaling, StopsWhereTheScaleCannotFall) {
  options_.batch = 1;
  options_.optimizer = {.learning_rate = 0};
  const Model model = plain_net();
  const auto t = trainer(model, {.scale = 2});
  Checkpoint c = overflowing(t->checkpoint(), 1e-3f, 60000);
  t->resume(c, "test");
  EXPECT_TRUE(holds(divergence(*t), {"training diverged: the gradient of 'conv.weight' is not finite with a loss scale "
                                     "of 1, which cannot fall below 1 at step "}));
  const Checkpoint left = t->checkpoint();
  EXPECT_EQ(left.loss_scale->scale, 1);
  EXPECT_EQ(left.loss_scale->skipped_steps, 1);
  EXPECT_EQ(everything(left), everything(c));
  const Replay replay = t->replay();
  EXPECT_EQ(replay.precision, Precision::fp16);
  EXPECT_EQ(replay.loss_scale, 1);
}

TEST_F(LossScaling, ALossThatIsNotFiniteStopsAtAnyScale) {
  const Model model = plain_net();
  const auto t = trainer(model, {});
  const Checkpoint c = overflowing(t->checkpoint(), 1, 60000);
  t->resume(c, "test");
  EXPECT_TRUE(holds(divergence(*t), {"training diverged: the loss is ", " at step 1 "}));
  EXPECT_EQ(*t->scaling(), LossScale{});
  EXPECT_EQ(everything(t->checkpoint()), everything(c));
}

TEST_F(LossScaling, ReplaysKeepIt) {
  const Model model = plain_net();
  const auto t = trainer(model, {.scale = 512});
  TemporaryDirectory directory;
  Replay replay = t->replay();
  EXPECT_TRUE(replay.layouts);
  for (const bool layouts : {true, false}) {
    replay.layouts = layouts;
    write_replay(directory / "replay.safetensors", replay);
    const Replay back = read_replay(directory / "replay.safetensors");
    EXPECT_EQ(back.precision, Precision::fp16);
    EXPECT_EQ(back.loss_scale, 512);
    EXPECT_EQ(back.layouts, layouts);
  }
}

}  // namespace
}  // namespace fovea::test
