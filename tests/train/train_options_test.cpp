// SPDX-License-Identifier: Apache-2.0
#include "core/train/train_options.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/data/files.h"

namespace fovea {
namespace {

using test::holds;
using test::input_error;

// No field has its default.
TrainOptions unusual() {
  TrainOptions o;
  o.epochs = 7;
  o.batch = 9;
  o.seed = 0xFFFFFFFFFFFFFFFF;
  o.optimizer = {.kind = OptimizerKind::adamw,
                 .learning_rate = 1.0 / 3.0,
                 .momentum = 0.25,
                 .weight_decay = 5e-324,
                 .nesterov = true,
                 .beta1 = 0.8,
                 .beta2 = 0.99,
                 .epsilon = 1e-7,
                 .alpha = 0.9,
                 .lr_decay = 0.5};
  o.schedule = {.kind = ScheduleKind::one_cycle,
                .warmup_steps = 3,
                .warmup_epochs = 0.5,
                .step_size = 4,
                .milestones = {2, 5},
                .gamma = 0.3,
                .power = 2,
                .min_learning_rate = 0.001,
                .max_learning_rate = 0.5,
                .rise = 0.25,
                .start_divisor = 10,
                .end_divisor = 100,
                .patience = 2,
                .threshold = 0.01};
  o.groups = {.freeze = {"conv1.*", "Ωμέγα"},
              .learning_rate_rules = {{"a=b", 0.1}, {"fc*", 2}},
              .decay_rules = {{"*", 0.5}},
              .no_decay_on_biases = true};
  o.clip_norm = 1.5;
  o.clip_value = 0.75;
  o.accumulate = 4;
  o.micro_batch = 3;
  o.ema = 0.999;
  o.init = "normal:std=0.01";
  o.augment = "flip";
  o.precision = Precision::fp16;
  o.passes.layouts = false;
  return o;
}

TEST(TrainOptionsJson, KeepsEveryField) {
  const std::string text = to_json(unusual());
  EXPECT_EQ(to_json(options_from_json(text, "here")), text);
  const auto ours = nlohmann::json::parse(text), defaults = nlohmann::json::parse(to_json({}));
  ASSERT_EQ(ours.size(), defaults.size());
  for (const auto& [name, value] : ours.items()) EXPECT_NE(value, defaults.at(name)) << name;
  const TrainOptions back = options_from_json(text, "here");
  EXPECT_EQ(back.optimizer, unusual().optimizer);
  EXPECT_EQ(back.schedule, unusual().schedule);
  EXPECT_EQ(back.groups, unusual().groups);
  EXPECT_EQ(back.seed, unusual().seed);
}

TEST(TrainOptionsJson, RefusesEveryFieldThatIsMissingOrOfAnotherType) {
  const auto whole = nlohmann::json::parse(to_json(unusual()));
  const auto read = [](const nlohmann::json& json) {
    return input_error([&] { options_from_json(json.dump(), "FILE"); });
  };
  for (const auto& [name, value] : whole.items()) {
    nlohmann::json without = whole, wrong = whole;
    without.erase(name);
    if (name != "layouts") {
      EXPECT_EQ(read(without), "FILE: '" + name + "' is missing");
    }
    for (const nlohmann::json& other : {nlohmann::json(nullptr), nlohmann::json::object(), nlohmann::json({{1.5}})}) {
      wrong[name] = other;
      EXPECT_TRUE(holds(read(wrong), {"FILE: '" + name + "': expected ", ", got "})) << other;
    }
  }
  nlohmann::json more = whole;
  more["leaning_rate"] = 1;
  EXPECT_EQ(read(more), "FILE: unknown field 'leaning_rate' (did you mean 'learning_rate'?)");
  EXPECT_EQ(input_error([] { options_from_json("{", "FILE"); }), "FILE: expected a JSON object");
  EXPECT_EQ(input_error([] { options_from_json("[]", "FILE"); }), "FILE: expected a JSON object");
}

// Runs of before were made with the layouts that engines ask for.
TEST(TrainOptionsJson, ReadsFilesFromBeforeLayouts) {
  auto json = nlohmann::json::parse(to_json(unusual()));
  EXPECT_FALSE(options_from_json(json.dump(), "FILE").passes.layouts);
  json.erase("layouts");
  const TrainOptions before = options_from_json(json.dump(), "FILE");
  EXPECT_TRUE(before.passes.layouts);
  EXPECT_EQ(before.seed, unusual().seed);
  json["layout"] = true;
  EXPECT_EQ(input_error([&] { options_from_json(json.dump(), "FILE"); }),
            "FILE: unknown field 'layout' (did you mean 'layouts'?)");
}

// Fusion changes no bit: it is no part of the run.
TEST(TrainOptionsJson, LeavesFusionOut) {
  TrainOptions unfused = unusual();
  unfused.passes.fuse = false;
  EXPECT_EQ(to_json(unfused), to_json(unusual()));
  require_same_run(unusual(), unfused, "FILE");
}

TEST(TrainOptionsJson, RefusesValuesOutOfRange) {
  for (const auto& [name, value, message] : std::vector<std::tuple<std::string, nlohmann::json, std::string>>{
           {"batch", 0, "FILE: batch: expected at least 1, got 0"},
           {"batch", 1e3, "FILE: 'batch': expected a whole number, got 1000.0"},
           {"batch", 0xFFFFFFFFFFFFFFFF, "FILE: 'batch': expected a whole number, got 18446744073709551615"},
           {"seed", -1, "FILE: 'seed': expected a whole number of at least 0, got -1"},
           {"optimizer", "sgdd", "FILE: 'optimizer': expected one of sgd, rmsprop, adagrad, adam, adamw, got \"sgdd\""},
           {"momentum", 1, "FILE: momentum: expected a number of at least 0 and below 1, got 1"},
           {"epsilon", 0, "FILE: epsilon: expected a number above 0, got 0"},
           {"learning_rate", -0.5, "FILE: learning_rate: expected a number of at least 0, got -0.5"},
           {"ema", 1, "FILE: ema: expected a number of at least 0 and below 1, got 1"},
           {"accumulate", 0, "FILE: accumulate: expected at least 1 batch, got 0"},
           {"init", "xaver_normal",
            "FILE: init: expected one of xavier_uniform, xavier_normal, kaiming_uniform, "
            "kaiming_normal, lecun_normal, normal, constant, dirac, got 'xaver_normal' (did you "
            "mean 'xavier_normal'?)"},
           {"precision", "fp8", "FILE: 'precision': expected one of fp32, tf32, fp32x3, bf16, fp16, got \"fp8\""},
           {"micro_batch", -1, "FILE: micro_batch: expected 0 to 9, the batch, got -1"},
           {"micro_batch", 10, "FILE: micro_batch: expected 0 to 9, the batch, got 10"},
           {"clip_norm", -1, "FILE: clip_norm: expected a number of at least 0, got -1"},
           {"gamma", 2, "FILE: gamma: expected a number above 0 and at most 1, got 2"}}) {
    auto json = nlohmann::json::parse(to_json(unusual()));
    json[name] = value;
    EXPECT_EQ(input_error([&] { options_from_json(json.dump(), "FILE"); }), message);
  }
}

TEST(TrainOptionsResume, EveryFieldButTheEpochsHasToBeTheSame) {
  const auto saved = nlohmann::json::parse(to_json(unusual())), other = nlohmann::json::parse(to_json({}));
  for (const auto& [name, value] : saved.items()) {
    auto changed = saved;
    changed[name] = other.at(name);
    const TrainOptions now = options_from_json(changed.dump(), "here");
    std::string words = name;
    std::ranges::replace(words, '_', ' ');
    // The number of epochs is part of a one-cycle schedule.
    EXPECT_EQ(input_error([&] { require_same_run(unusual(), now, "FILE"); }),
              "FILE: cannot resume: " + words + " was " + value.dump() + " in the checkpoint and is " +
                  other.at(name).dump() + " now");
  }
  TrainOptions constant = unusual(), longer;
  constant.schedule.kind = ScheduleKind::constant;
  longer = constant;
  longer.epochs = 100;
  require_same_run(constant, longer, "FILE");
  longer.max_steps = 5;
  require_same_run(constant, longer, "FILE");
}

}  // namespace
}  // namespace fovea
