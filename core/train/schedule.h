// SPDX-License-Identifier: Apache-2.0
//
// How the learning rate changes while a net trains: PyTorch's formulae (torch.optim.lr_scheduler), each after a linear
// warm-up. All but `plateau` are a function of the position alone, so there is nothing to save and nothing to forget.
#pragma once
#include <array>
#include <cstdint>
#include <limits>
#include <string_view>
#include <utility>
#include <vector>

namespace fovea {

enum class ScheduleKind { constant, step, multi_step, exponential, polynomial, cosine, one_cycle, plateau };
inline constexpr std::array<std::pair<ScheduleKind, std::string_view>, 8> schedule_names{
    {{ScheduleKind::constant, "constant"},
     {ScheduleKind::step, "step"},
     {ScheduleKind::multi_step, "multi-step"},
     {ScheduleKind::exponential, "exponential"},
     {ScheduleKind::polynomial, "polynomial"},
     {ScheduleKind::cosine, "cosine"},
     {ScheduleKind::one_cycle, "one-cycle"},
     {ScheduleKind::plateau, "plateau"}}};

// With r the optimizer's learning rate, e the epochs completed, t of T the steps done since the warm-up:
//
//   constant      r
//   step          r * gamma^floor(e / step_size)                                              StepLR
//   multi_step    r * gamma^(how many milestones are <= e)                                    MultiStepLR
//   exponential   r * gamma^e                                                                 ExponentialLR
//   polynomial    min + (r - min) * (1 - t/T)^power                                           PolynomialLR for min = 0
//   cosine        min + (r - min) * (1 + cos(pi t/T)) / 2                                     CosineAnnealingLR
//   one_cycle     cosine up from max / start_divisor to max, then down to max / (start_divisor end_divisor); up during
//                 the first `rise` of T                                                       OneCycleLR
//   plateau       r, times gamma whenever the loss has not improved for more than `patience` epochs   ReduceLROnPlateau
//
// Warm-up: in step s of W (from 0) the rate is (s + 1) / W of the schedule's first. OneCycleLR's cycling of the momentum
// and its third phase are left out.
struct ScheduleOptions {
  ScheduleKind kind = ScheduleKind::constant;
  std::int64_t warmup_steps = 0;
  double warmup_epochs = 0;                   // added to the steps, rounded to whole ones
  std::int64_t step_size = 30;                // epochs
  std::vector<std::int64_t> milestones = {};  // epochs, ascending
  double gamma = 0.1;
  double power = 1;
  double min_learning_rate = 0;  // of polynomial, cosine and plateau
  double max_learning_rate = 0;  // of one_cycle; 0: the optimizer's learning rate
  double rise = 0.3;
  double start_divisor = 25, end_divisor = 1e4;
  std::int64_t patience = 10;  // epochs
  double threshold = 1e-4;     // an improvement is a loss below (1 - threshold) of the best
  bool operator==(const ScheduleOptions&) const = default;
};

// Throws InputError naming the option, what was expected and what was given.
void validate(const ScheduleOptions& options);

// Whether the rate depends on how many steps there will be in all.
bool depends_on_total(ScheduleKind kind);

struct ScheduleClock {
  std::int64_t step = 0;  // steps done: 0 in the first
  std::int64_t total_steps = 1;
  std::int64_t steps_per_epoch = 1;
};

// What `plateau` remembers.
struct PlateauState {
  double learning_rate = 0;  // as it is now
  double best = std::numeric_limits<double>::infinity();
  std::int64_t bad_epochs = 0;
  bool operator==(const PlateauState&) const = default;
};
// The state after an epoch with this mean loss.
PlateauState after_epoch(const ScheduleOptions& options, PlateauState state, double loss);

std::int64_t warmup_steps(const ScheduleOptions& options, std::int64_t steps_per_epoch);

// The learning rate of the step at `clock`, where `learning_rate` is the optimizer's. `plateau` counts for that kind only.
double learning_rate_at(const ScheduleOptions& options, double learning_rate, ScheduleClock clock,
                        const PlateauState& plateau = {});

}  // namespace fovea
