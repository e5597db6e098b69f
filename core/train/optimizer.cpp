// SPDX-License-Identifier: Apache-2.0
#include "core/train/optimizer.h"

#include <fmt/format.h>

#include <cmath>

#include "core/support/error.h"

namespace fovea {
namespace {

// The operation of core/ops that takes the step, and what it keeps, in the order of its arguments.
struct Rule {
  std::string_view op;
  std::vector<std::string> slots;
};

Rule rule_of(OptimizerKind kind) {
  switch (kind) {
    case OptimizerKind::sgd:
      return {"sgd", {"momentum"}};
    case OptimizerKind::rmsprop:
      return {"rmsprop", {"square_average", "momentum"}};
    case OptimizerKind::adagrad:
      return {"adagrad", {"square_sum"}};
    case OptimizerKind::adam:
    case OptimizerKind::adamw:
      return {"adam", {"first_moment", "second_moment"}};
  }
  return {};
}

}  // namespace

void validate(const OptimizerOptions& o) {
  const auto demand = [](bool ok, std::string_view field, std::string_view expected, double got) {
    require(ok && std::isfinite(got), [&] { return fmt::format("{}: expected {}, got {}", field, expected, got); });
  };
  const auto below_one = [&](std::string_view field, double value) {
    demand(value >= 0 && value < 1, field, "a number of at least 0 and below 1", value);
  };
  demand(o.learning_rate >= 0, "learning_rate", "a number of at least 0", o.learning_rate);
  demand(o.weight_decay >= 0, "weight_decay", "a number of at least 0", o.weight_decay);
  demand(o.epsilon > 0, "epsilon", "a number above 0", o.epsilon);
  demand(o.lr_decay >= 0, "lr_decay", "a number of at least 0", o.lr_decay);
  below_one("momentum", o.momentum);
  below_one("beta1", o.beta1);
  below_one("beta2", o.beta2);
  below_one("alpha", o.alpha);
}

std::vector<std::string> slot_names(OptimizerKind kind) { return rule_of(kind).slots; }

Optimizer::Optimizer(const OptimizerOptions& options, Backend& backend, const ParameterLayout& layout,
                     std::vector<ParameterRun> runs)
    : options_(options), runs_(std::move(runs)) {
  validate(options_);
  const Rule rule = rule_of(options_.kind);
  ops_ = backend.choose(rule.op, Direction::forward, {}).ops;
  for (const std::string& name : rule.slots)
    slots_.push_back({name, std::make_unique<ParameterArena>(layout, backend.memory())});
}

SgdOptions Optimizer::sgd(const ParameterRun& run, double learning_rate) const {
  return {.learning_rate = static_cast<float>(learning_rate * run.learning_rate_factor),
          .momentum = static_cast<float>(options_.momentum),
          .weight_decay = static_cast<float>(options_.weight_decay * run.decay_factor),
          .nesterov = options_.nesterov};
}

RmspropOptions Optimizer::rmsprop(const ParameterRun& run, double learning_rate) const {
  return {.learning_rate = learning_rate * run.learning_rate_factor,
          .alpha = options_.alpha,
          .epsilon = options_.epsilon,
          .weight_decay = options_.weight_decay * run.decay_factor,
          .momentum = options_.momentum};
}

AdagradOptions Optimizer::adagrad(const ParameterRun& run, double learning_rate, std::int64_t number) const {
  const double rate = learning_rate * run.learning_rate_factor;
  return {.learning_rate = rate / (1 + static_cast<double>(number - 1) * options_.lr_decay),
          .epsilon = options_.epsilon,
          .weight_decay = options_.weight_decay * run.decay_factor};
}

AdamOptions Optimizer::adam(const ParameterRun& run, double learning_rate, std::int64_t number) const {
  return at_step({.learning_rate = learning_rate * run.learning_rate_factor,
                  .beta1 = options_.beta1,
                  .beta2 = options_.beta2,
                  .epsilon = options_.epsilon,
                  .weight_decay = options_.weight_decay * run.decay_factor,
                  .decoupled = options_.kind == OptimizerKind::adamw},
                 number);
}

std::int64_t Optimizer::factors_per_run(OptimizerKind kind) {
  switch (kind) {
    case OptimizerKind::sgd:
      return factor_count<SgdFactors>;
    case OptimizerKind::rmsprop:
      return factor_count<RmspropFactors<float>>;
    case OptimizerKind::adagrad:
      return factor_count<AdagradFactors<float>>;
    case OptimizerKind::adam:
    case OptimizerKind::adamw:
      return factor_count<AdamFactors<float>>;
  }
  return 0;
}

std::vector<float> Optimizer::factors(double learning_rate, std::int64_t number) const {
  std::vector<float> numbers;
  for (const ParameterRun& run : runs_) {
    switch (options_.kind) {
      case OptimizerKind::sgd:
        append_factors(SgdFactors(sgd(run, learning_rate)), numbers);
        break;
      case OptimizerKind::rmsprop:
        append_factors(RmspropFactors<float>(rmsprop(run, learning_rate)), numbers);
        break;
      case OptimizerKind::adagrad:
        append_factors(AdagradFactors<float>(adagrad(run, learning_rate, number)), numbers);
        break;
      case OptimizerKind::adam:
      case OptimizerKind::adamw:
        append_factors(AdamFactors<float>(adam(run, learning_rate, number)), numbers);
        break;
    }
  }
  return numbers;
}

void Optimizer::step(ParameterArena& weights, ParameterArena& gradients, double learning_rate, std::int64_t number,
                     const UpdateMemory& memory) {
  const std::int64_t each = factors_per_run(options_.kind);
  for (std::size_t i = 0; i < runs_.size(); ++i) {
    const ParameterRun& run = runs_[i];
    const View w = part_of(weights.trained(), run), g = part_of(gradients.trained(), run), first = slot(0, run);
    const View copy = weights.copy() ? part_of(weights.copy(), run) : View();
    UpdateMemory own = memory;  // this run's factors
    if (memory.factors) {
      own.factors.data = static_cast<const float*>(memory.factors.data) + static_cast<std::int64_t>(i) * each;
      own.factors.shape = Shape{each};
    }
    const auto with_memory = [&](auto options) {
      options.memory = own;
      return options;
    };
    switch (options_.kind) {
      case OptimizerKind::sgd:
        ops_->sgd_step(with_memory(sgd(run, learning_rate)), w, g, first, copy);
        break;
      case OptimizerKind::rmsprop:
        ops_->rmsprop_step(with_memory(rmsprop(run, learning_rate)), w, g, first, slot(1, run), copy);
        break;
      case OptimizerKind::adagrad:
        ops_->adagrad_step(with_memory(adagrad(run, learning_rate, number)), w, g, first, copy);
        break;
      case OptimizerKind::adam:
      case OptimizerKind::adamw:
        ops_->adam_step(with_memory(adam(run, learning_rate, number)), w, g, first, slot(1, run), copy);
        break;
    }
  }
}

}  // namespace fovea
