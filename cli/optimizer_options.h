// SPDX-License-Identifier: Apache-2.0
//
// The options of `fovea train` that say how weights are changed: optimizer, schedule, clipping, groups of parameters.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "cli/arguments.h"
#include "core/train/train_options.h"

namespace fovea::cli {

// What was given; what was not follows the checkpoint on --resume, and else the defaults.
struct OptimizerFlags {
  std::string optimizer, schedule, milestones;
  bool nesterov = false, no_decay_on_biases = false;
  std::optional<double> learning_rate, momentum, weight_decay, beta1, beta2, epsilon, alpha, lr_decay;
  std::optional<double> warmup_epochs, gamma, power, min_lr, max_lr, rise, start_divisor, end_divisor, threshold;
  std::optional<double> clip_norm, clip_value, ema;
  std::optional<std::int64_t> warmup, step_size, patience, accumulate;
  std::vector<std::string> freeze, lr_mult, decay_mult;
};

void declare_optimizer_options(Arguments& arguments, OptimizerFlags& flags);
// Their names, for a recipe.
std::vector<std::string> optimizer_option_names();

// Sets what was given. `options` are those of the checkpoint when the run is `resumed`, and else get the defaults of the
// optimizer first. Throws InputError: a value out of range, an option that the chosen optimizer or schedule has not, one
// that it needs and that is missing.
void apply(const OptimizerFlags& flags, bool resumed, TrainOptions& options);

// "sgd, learning rate 0.01, momentum 0.9, weight decay 0; cosine" for the line that a run begins with.
std::string describe_optimizer(const TrainOptions& options);

}  // namespace fovea::cli
