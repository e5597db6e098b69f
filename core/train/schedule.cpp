// SPDX-License-Identifier: Apache-2.0
#include "core/train/schedule.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>

#include "core/support/error.h"

namespace fovea {
namespace {

// From `first` to `last` along half a cosine, `part` from 0 to 1.
double cosine(double first, double last, double part) {
  return last + (first - last) / 2 * (1 + std::cos(std::numbers::pi * part));
}

// As OneCycleLR counts: the peak is at step rise * T - 1, the end at the last step.
double one_cycle(const ScheduleOptions& o, double learning_rate, double t, double T) {
  const double peak = o.max_learning_rate > 0 ? o.max_learning_rate : learning_rate;
  const double start = peak / o.start_divisor, end = start / o.end_divisor;
  const double top = o.rise * T - 1, last = T - 1;
  if (t <= top) return top > 0 ? cosine(start, peak, t / top) : peak;
  return cosine(peak, end, last > top ? (std::min(t, last) - top) / (last - top) : 1);
}

// The rate `t` steps of `T` after the warm-up, in epoch `e` since the beginning.
double scheduled(const ScheduleOptions& o, double r, double t, double T, std::int64_t e, const PlateauState& plateau) {
  switch (o.kind) {
    case ScheduleKind::constant:
      return r;
    case ScheduleKind::step:
      return r * std::pow(o.gamma, static_cast<double>(e / o.step_size));
    case ScheduleKind::multi_step:
      return r * std::pow(o.gamma, static_cast<double>(std::ranges::count_if(
                                       o.milestones, [&](std::int64_t milestone) { return milestone <= e; })));
    case ScheduleKind::exponential:
      return r * std::pow(o.gamma, static_cast<double>(e));
    case ScheduleKind::polynomial:
      return o.min_learning_rate + (r - o.min_learning_rate) * std::pow(1 - t / T, o.power);
    case ScheduleKind::cosine:
      return cosine(r, o.min_learning_rate, t / T);
    case ScheduleKind::one_cycle:
      return one_cycle(o, r, t, T);
    case ScheduleKind::plateau:
      return plateau.learning_rate;
  }
  return r;
}

}  // namespace

void validate(const ScheduleOptions& o) {
  const auto demand = [](bool ok, std::string_view field, std::string_view expected, auto got) {
    require(ok, [&] { return fmt::format("{}: expected {}, got {}", field, expected, got); });
  };
  const auto positive = [](double x) { return std::isfinite(x) && x > 0; };
  const auto not_negative = [](double x) { return std::isfinite(x) && x >= 0; };
  demand(o.warmup_steps >= 0, "warmup_steps", "at least 0", o.warmup_steps);
  demand(not_negative(o.warmup_epochs), "warmup_epochs", "a number of at least 0", o.warmup_epochs);
  demand(o.step_size >= 1, "step_size", "at least 1 epoch", o.step_size);
  demand(positive(o.gamma) && o.gamma <= 1, "gamma", "a number above 0 and at most 1", o.gamma);
  demand(positive(o.power), "power", "a number above 0", o.power);
  demand(not_negative(o.min_learning_rate), "min_learning_rate", "a number of at least 0", o.min_learning_rate);
  demand(not_negative(o.max_learning_rate), "max_learning_rate", "a number of at least 0", o.max_learning_rate);
  demand(positive(o.rise) && o.rise < 1, "rise", "a number above 0 and below 1", o.rise);
  demand(positive(o.start_divisor), "start_divisor", "a number above 0", o.start_divisor);
  demand(positive(o.end_divisor), "end_divisor", "a number above 0", o.end_divisor);
  demand(o.patience >= 0, "patience", "at least 0 epochs", o.patience);
  demand(not_negative(o.threshold) && o.threshold < 1, "threshold", "a number of at least 0 and below 1", o.threshold);
  const bool rising = std::ranges::adjacent_find(o.milestones, std::greater_equal<>()) == o.milestones.end();
  demand(rising && (o.milestones.empty() || o.milestones[0] >= 1), "milestones", "epochs from 1 on, each later",
         fmt::format("{}", fmt::join(o.milestones, ",")));
  demand(o.kind != ScheduleKind::multi_step || !o.milestones.empty(), "milestones", "at least one epoch", "none");
}

bool depends_on_total(ScheduleKind kind) {
  return kind == ScheduleKind::polynomial || kind == ScheduleKind::cosine || kind == ScheduleKind::one_cycle;
}

PlateauState after_epoch(const ScheduleOptions& o, PlateauState state, double loss) {
  // PyTorch's eps: a change too small to matter is not made.
  constexpr double smallest_change = 1e-8;
  if (loss < state.best * (1 - o.threshold)) {
    state.best = loss;
    state.bad_epochs = 0;
  } else {
    ++state.bad_epochs;
  }
  if (state.bad_epochs > o.patience) {
    const double lower = std::max(state.learning_rate * o.gamma, o.min_learning_rate);
    if (state.learning_rate - lower > smallest_change) state.learning_rate = lower;
    state.bad_epochs = 0;
  }
  return state;
}

std::int64_t warmup_steps(const ScheduleOptions& o, std::int64_t steps_per_epoch) {
  return o.warmup_steps + std::llround(o.warmup_epochs * static_cast<double>(steps_per_epoch));
}

double learning_rate_at(const ScheduleOptions& o, double learning_rate, ScheduleClock clock,
                        const PlateauState& plateau) {
  const std::int64_t warmup = warmup_steps(o, clock.steps_per_epoch);
  const double T = static_cast<double>(std::max<std::int64_t>(clock.total_steps - warmup, 1));
  if (clock.step < warmup) {
    const double part = static_cast<double>(clock.step + 1) / static_cast<double>(warmup);
    return part * scheduled(o, learning_rate, 0, T, 0, plateau);
  }
  const double t = std::min(static_cast<double>(clock.step - warmup), T);
  return scheduled(o, learning_rate, t, T, clock.step / clock.steps_per_epoch, plateau);
}

}  // namespace fovea
