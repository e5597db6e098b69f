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

void Optimizer::step(ParameterArena& weights, ParameterArena& gradients, double learning_rate, std::int64_t number) {
  const OptimizerOptions& o = options_;
  for (const ParameterRun& run : runs_) {
    const View w = part_of(weights.trained(), run), g = part_of(gradients.trained(), run), first = slot(0, run);
    const double rate = learning_rate * run.learning_rate_factor, decay = o.weight_decay * run.decay_factor;
    switch (o.kind) {
      case OptimizerKind::sgd:
        ops_->sgd_step({.learning_rate = static_cast<float>(rate),
                        .momentum = static_cast<float>(o.momentum),
                        .weight_decay = static_cast<float>(decay),
                        .nesterov = o.nesterov},
                       w, g, first);
        break;
      case OptimizerKind::rmsprop:
        ops_->rmsprop_step({.learning_rate = rate,
                            .alpha = o.alpha,
                            .epsilon = o.epsilon,
                            .weight_decay = decay,
                            .momentum = o.momentum},
                           w, g, first, slot(1, run));
        break;
      case OptimizerKind::adagrad:
        ops_->adagrad_step({.learning_rate = rate / (1 + static_cast<double>(number - 1) * o.lr_decay),
                            .epsilon = o.epsilon,
                            .weight_decay = decay},
                           w, g, first);
        break;
      case OptimizerKind::adam:
      case OptimizerKind::adamw:
        ops_->adam_step(at_step({.learning_rate = rate,
                                 .beta1 = o.beta1,
                                 .beta2 = o.beta2,
                                 .epsilon = o.epsilon,
                                 .weight_decay = decay,
                                 .decoupled = o.kind == OptimizerKind::adamw},
                                number),
                        w, g, first, slot(1, run));
        break;
    }
  }
}

}  // namespace fovea
