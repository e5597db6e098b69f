// SPDX-License-Identifier: Apache-2.0
#include "core/train/schedule.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/data/files.h"

namespace fovea {
namespace {

ScheduleOptions options_of(const nlohmann::json& golden) {
  ScheduleOptions o;
  const std::string kind = golden.at("schedule");
  o.kind = std::ranges::find(schedule_names, kind, [](const auto& pair) { return pair.second; })->first;
  for (const auto& [key, value] : golden.at("options").items()) {
    if (key == "step_size")
      o.step_size = value;
    else if (key == "milestones")
      o.milestones = value.get<std::vector<std::int64_t>>();
    else if (key == "gamma")
      o.gamma = value;
    else if (key == "power")
      o.power = value;
    else if (key == "min_learning_rate")
      o.min_learning_rate = value;
    else if (key == "max_learning_rate")
      o.max_learning_rate = value;
    else if (key == "rise")
      o.rise = value;
    else if (key == "start_divisor")
      o.start_divisor = value;
    else if (key == "end_divisor")
      o.end_divisor = value;
    else if (key == "warmup_steps")
      o.warmup_steps = value;
    else if (key == "patience")
      o.patience = value;
    else if (key == "threshold")
      o.threshold = value;
    else
      ADD_FAILURE() << "unknown option " << key;
  }
  validate(o);
  return o;
}

// PyTorch goes from rate to rate, so its roundings add up: eight of a double for each step so far (a quotient of two
// cosines or powers, a product, a difference and a sum, each within two units of the highest rate). Ours is a closed
// form: sixteen for its cosine or power, whose argument is rounded as well.
TEST(Schedule, EqualsPyTorchs) {
  std::ifstream file(FOVEA_SOURCE_DIR "/tests/train/goldens/schedules.json");
  const nlohmann::json goldens = nlohmann::json::parse(file);
  std::vector<ScheduleKind> seen;
  for (const nlohmann::json& golden : goldens.at("cases")) {
    SCOPED_TRACE(golden.at("name").get<std::string>());
    const ScheduleOptions o = options_of(golden);
    seen.push_back(o.kind);
    const auto rates = golden.at("rates").get<std::vector<double>>();
    const double base = golden.at("learning_rate"), highest = *std::ranges::max_element(rates);
    ASSERT_GE(rates.size(), 40u);
    PlateauState plateau{.learning_rate = base};
    for (std::size_t step = 0; step < rates.size(); ++step) {
      const ScheduleClock clock{static_cast<std::int64_t>(step), static_cast<std::int64_t>(rates.size()),
                                golden.at("steps_per_epoch")};
      const double bound = (8 * static_cast<double>(step) + 16) * 0x1p-53 * highest;
      EXPECT_NEAR(learning_rate_at(o, base, clock, plateau), rates[step], bound) << "step " << step;
      if (golden.contains("losses")) plateau = after_epoch(o, plateau, golden.at("losses").at(step));
    }
    if (o.kind != ScheduleKind::constant) {
      EXPECT_LT(*std::ranges::min_element(rates), 0.5 * highest);
    }
  }
  for (const auto& [kind, name] : schedule_names)
    EXPECT_NE(std::ranges::find(seen, kind), seen.end()) << "no golden values of " << name;
}

TEST(Schedule, WarmUpReachesTheFirstRateOfEverySchedule) {
  for (const auto& [kind, name] : schedule_names) {
    const ScheduleOptions o{.kind = kind, .warmup_steps = 3, .warmup_epochs = 0.5, .milestones = {2}};
    const PlateauState plateau{.learning_rate = 0.25};
    const double base = kind == ScheduleKind::plateau ? 0.25 : 0.5;
    const double first = kind == ScheduleKind::one_cycle ? base / 25 : base;
    ASSERT_EQ(warmup_steps(o, 10), 8);
    // One-cycle's first rate is the peak less a difference that is rounded at the peak's size.
    const double bound = kind == ScheduleKind::one_cycle ? 4 * 0x1p-53 * base : 0;
    for (std::int64_t step = 0; step < 8; ++step)
      EXPECT_NEAR(learning_rate_at(o, base, {step, 100, 10}, plateau), first * (static_cast<double>(step + 1) / 8),
                  bound)
          << name << ", step " << step;
    EXPECT_NEAR(learning_rate_at(o, base, {8, 100, 10}, plateau), first, bound) << name;
  }
}

// Epochs count from the beginning, the warm-up included.
TEST(Schedule, EpochsByHand) {
  const ScheduleOptions step{.kind = ScheduleKind::step, .warmup_steps = 5, .step_size = 2, .gamma = 0.5};
  const ScheduleOptions multi{.kind = ScheduleKind::multi_step, .milestones = {1, 3}, .gamma = 0.5};
  const double halves[] = {1, 1, 0.5, 0.5, 0.25, 0.25}, falls[] = {1, 0.5, 0.5, 0.25, 0.25, 0.25};
  for (std::int64_t at = 5; at < 60; ++at) {
    EXPECT_EQ(learning_rate_at(step, 1, {at, 60, 10}), halves[at / 10]) << at;
    EXPECT_EQ(learning_rate_at(multi, 1, {at, 60, 10}), falls[at / 10]) << at;
  }
}

TEST(Schedule, PlateauByHand) {
  const ScheduleOptions o{
      .kind = ScheduleKind::plateau, .gamma = 0.5, .min_learning_rate = 0.3, .patience = 1, .threshold = 0.1};
  PlateauState state{.learning_rate = 1};
  const auto rate_after = [&](double loss) { return (state = after_epoch(o, state, loss)).learning_rate; };
  EXPECT_EQ(rate_after(2), 1);
  EXPECT_EQ(rate_after(1.9), 1);  // less than a tenth better: bad
  EXPECT_EQ(rate_after(1.85), 0.5);
  EXPECT_EQ(rate_after(1.7), 0.5);  // better than 1.8
  EXPECT_EQ(state.best, 1.7);
  EXPECT_EQ(rate_after(1.7), 0.5);
  EXPECT_EQ(rate_after(std::nan("")), 0.3);  // not below the lowest
}

TEST(Schedule, RefusesWhatMakesNoSense) {
  const auto refuses = [](ScheduleOptions o, const std::string& message) {
    EXPECT_EQ(test::input_error([&] { validate(o); }), message);
  };
  refuses({.warmup_steps = -1}, "warmup_steps: expected at least 0, got -1");
  refuses({.step_size = 0}, "step_size: expected at least 1 epoch, got 0");
  refuses({.gamma = 0}, "gamma: expected a number above 0 and at most 1, got 0");
  refuses({.gamma = std::nan("")}, "gamma: expected a number above 0 and at most 1, got nan");
  refuses({.kind = ScheduleKind::multi_step}, "milestones: expected at least one epoch, got none");
  refuses({.milestones = {3, 3}}, "milestones: expected epochs from 1 on, each later, got 3,3");
  refuses({.milestones = {0}}, "milestones: expected epochs from 1 on, each later, got 0");
  refuses({.rise = 1}, "rise: expected a number above 0 and below 1, got 1");
  refuses({.patience = -1}, "patience: expected at least 0 epochs, got -1");
  validate(ScheduleOptions{});
}

}  // namespace
}  // namespace fovea
