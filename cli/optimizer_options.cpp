// SPDX-License-Identifier: Apache-2.0
#include "cli/optimizer_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "core/support/error.h"

namespace fovea::cli {
namespace {

template <class Enum, std::size_t n>
std::vector<std::string> words(const std::array<std::pair<Enum, std::string_view>, n>& names) {
  std::vector<std::string> result;
  for (const auto& [value, word] : names) result.emplace_back(word);
  return result;
}

template <class Enum, std::size_t n>
std::string_view word_of(Enum value, const std::array<std::pair<Enum, std::string_view>, n>& names) {
  return std::ranges::find(names, value, [](const auto& pair) { return pair.first; })->second;
}

// "adam or adamw": of one option, which kinds take it.
template <class Enum, std::size_t n>
void require_kind(bool given, std::string_view option, std::string_view of, Enum kind,
                  std::initializer_list<Enum> takers, const std::array<std::pair<Enum, std::string_view>, n>& names) {
  if (!given || std::ranges::find(takers, kind) != takers.end()) return;
  std::vector<std::string_view> list;
  for (const Enum taker : takers) list.push_back(word_of(taker, names));
  throw InputError(fmt::format("{}: expected {} {}, which alone has it, got {}", option, of, fmt::join(list, " or "),
                               word_of(kind, names)));
}

void require_optimizer_has(const OptimizerFlags& f, OptimizerKind kind) {
  using enum OptimizerKind;
  const auto only = [&](bool given, std::string_view option, std::initializer_list<OptimizerKind> takers) {
    require_kind(given, option, "--optimizer", kind, takers, optimizer_names);
  };
  only(f.momentum.has_value(), "--momentum", {sgd, rmsprop});
  only(f.nesterov, "--nesterov", {sgd});
  only(f.beta1.has_value(), "--beta1", {adam, adamw});
  only(f.beta2.has_value(), "--beta2", {adam, adamw});
  only(f.epsilon.has_value(), "--epsilon", {rmsprop, adagrad, adam, adamw});
  only(f.alpha.has_value(), "--alpha", {rmsprop});
  only(f.lr_decay.has_value(), "--lr-decay", {adagrad});
}

void require_schedule_has(const OptimizerFlags& f, ScheduleKind kind, bool resumed) {
  using enum ScheduleKind;
  const auto only = [&](bool given, std::string_view option, std::initializer_list<ScheduleKind> takers) {
    require_kind(given, option, "--schedule", kind, takers, schedule_names);
  };
  only(f.step_size.has_value(), "--step-size", {step});
  only(!f.milestones.empty(), "--milestones", {multi_step});
  only(f.gamma.has_value(), "--gamma", {step, multi_step, exponential, plateau});
  only(f.power.has_value(), "--power", {polynomial});
  only(f.min_lr.has_value(), "--min-lr", {polynomial, cosine, plateau});
  only(f.max_lr.has_value(), "--max-lr", {one_cycle});
  only(f.rise.has_value(), "--rise", {one_cycle});
  only(f.start_divisor.has_value(), "--start-divisor", {one_cycle});
  only(f.end_divisor.has_value(), "--end-divisor", {one_cycle});
  only(f.patience.has_value(), "--patience", {plateau});
  only(f.threshold.has_value(), "--threshold", {plateau});
  const auto needs = [&](ScheduleKind taker, bool given, std::string_view option) {
    require(kind != taker || given || resumed, [&] {
      return fmt::format("{}: expected a value, --schedule {} needs one", option, word_of(kind, schedule_names));
    });
  };
  needs(step, f.step_size.has_value(), "--step-size");
  needs(multi_step, !f.milestones.empty(), "--milestones");
  needs(exponential, f.gamma.has_value(), "--gamma");
}

std::vector<std::int64_t> parse_milestones(std::string_view text) {
  std::vector<std::int64_t> epochs;
  for (;;) {
    const std::size_t comma = std::min(text.find(','), text.size());
    epochs.push_back(parse_integer("--milestones", text.substr(0, comma), {1}));
    require(epochs.size() < 2 || epochs.back() > epochs[epochs.size() - 2], [&] {
      return fmt::format("--milestones: expected epochs, each later than the one before, got {} after {}",
                         epochs.back(), epochs[epochs.size() - 2]);
    });
    if (comma == text.size()) return epochs;
    text.remove_prefix(comma + 1);
  }
}

std::vector<ParameterRule> parse_rules(const std::string& option, const std::vector<std::string>& texts) {
  std::vector<ParameterRule> rules;
  for (const std::string& text : texts) {
    const std::size_t equals = text.rfind('=');
    require(equals != std::string::npos && equals > 0,
            [&] { return fmt::format("{}: expected PATTERN=X, got '{}'", option, text); });
    rules.push_back({text.substr(0, equals), parse_real(option, text.substr(equals + 1), {})});
  }
  return rules;
}

OptimizerOptions defaults_of(OptimizerKind kind) {
  using enum OptimizerKind;
  OptimizerOptions o{.kind = kind};
  if (kind == adam || kind == adamw) o.learning_rate = 0.001;
  if (kind == sgd) o.momentum = 0.9;
  if (kind == adamw) o.weight_decay = 0.01;
  if (kind == adagrad) o.epsilon = 1e-10;
  return o;
}

template <class Enum, std::size_t n>
Enum kind_of(const std::string& word, const std::array<std::pair<Enum, std::string_view>, n>& names, Enum otherwise) {
  const auto found = std::ranges::find(names, word, [](const auto& pair) { return pair.second; });
  return found == names.end() ? otherwise : found->first;
}

template <class T>
void set(const std::optional<T>& given, T& value) {
  if (given) value = *given;
}

}  // namespace

void declare_optimizer_options(Arguments& arguments, OptimizerFlags& f) {
  const IntegerLimits positive{1}, not_negative{0};
  const RealLimits below_one{0, 1, false};
  arguments.choice("--optimizer", f.optimizer, words(optimizer_names), "How gradients change weights [sgd]");
  arguments.real("--lr", f.learning_rate, {}, "Learning rate [0.01; adam, adamw 0.001]");
  arguments.real("--momentum", f.momentum, below_one, "Momentum [sgd 0.9, rmsprop 0]");
  arguments.flag("--nesterov", f.nesterov, "Nesterov's momentum (sgd)");
  arguments.real("--weight-decay", f.weight_decay, {},
                 "L2 penalty on every weight; adamw: decay of it [0; adamw 0.01]");
  arguments.real("--beta1", f.beta1, below_one, "Decay of the first moment (adam, adamw) [0.9]");
  arguments.real("--beta2", f.beta2, below_one, "Decay of the second moment (adam, adamw) [0.999]");
  arguments.real("--epsilon", f.epsilon, {}, "Added to the divisor (all but sgd) [1e-8; adagrad 1e-10]");
  arguments.real("--alpha", f.alpha, below_one, "Decay of the squares' average (rmsprop) [0.99]");
  arguments.real("--lr-decay", f.lr_decay, {}, "Slower with every step (adagrad) [0]");
  arguments.choice("--schedule", f.schedule, words(schedule_names), "How the learning rate changes [constant]");
  arguments.integer("--warmup", f.warmup, not_negative, "Steps in which the learning rate grows to its value [0]");
  arguments.real("--warmup-epochs", f.warmup_epochs, {}, "The same in epochs, added to --warmup [0]");
  arguments.integer("--step-size", f.step_size, positive, "Epochs from one fall to the next (step)");
  arguments.text("--milestones", f.milestones, "E,E,...", "Epochs after which the rate falls (multi-step)");
  arguments.real("--gamma", f.gamma, {0, 1}, "Factor of a fall (step, multi-step, exponential, plateau) [0.1]");
  arguments.real("--power", f.power, {}, "Of the way down (polynomial) [1]");
  arguments.real("--min-lr", f.min_lr, {}, "Where it ends (polynomial, cosine, plateau) [0]");
  arguments.real("--max-lr", f.max_lr, {}, "The highest learning rate (one-cycle) [--lr]");
  arguments.real("--rise", f.rise, below_one, "Part of the steps that go up (one-cycle) [0.3]");
  arguments.real("--start-divisor", f.start_divisor, {}, "Highest over first learning rate (one-cycle) [25]");
  arguments.real("--end-divisor", f.end_divisor, {}, "First over last learning rate (one-cycle) [10000]");
  arguments.integer("--patience", f.patience, not_negative, "Epochs without improvement before a fall (plateau) [10]");
  arguments.real("--threshold", f.threshold, below_one, "Least relative improvement of the loss (plateau) [0.0001]");
  arguments.real("--clip-norm", f.clip_norm, {}, "Largest norm of all gradients together; 0: any [0]");
  arguments.real("--clip-value", f.clip_value, {}, "Largest size of a gradient; 0: any [0]");
  arguments.integer("--accumulate", f.accumulate, positive, "Batches whose gradients make one step [1]");
  arguments.real("--ema", f.ema, below_one, "Evaluate the weights' moving average of this decay; 0: none [0]");
  arguments.flag("--no-decay-on-biases", f.no_decay_on_biases, "No weight decay on biases, scales and shifts");
  arguments.list("--freeze", f.freeze, "PATTERN", "Parameters that are not trained: 'conv1.*'; may be repeated");
  arguments.list("--lr-mult", f.lr_mult, "PATTERN=X", "Learning rate of parameters, times X; may be repeated");
  arguments.list("--decay-mult", f.decay_mult, "PATTERN=X", "Weight decay of parameters, times X; may be repeated");
}

std::vector<std::string> optimizer_option_names() {
  return {"--optimizer",
          "--lr",
          "--momentum",
          "--nesterov",
          "--weight-decay",
          "--beta1",
          "--beta2",
          "--epsilon",
          "--alpha",
          "--lr-decay",
          "--schedule",
          "--warmup",
          "--warmup-epochs",
          "--step-size",
          "--milestones",
          "--gamma",
          "--power",
          "--min-lr",
          "--max-lr",
          "--rise",
          "--start-divisor",
          "--end-divisor",
          "--patience",
          "--threshold",
          "--clip-norm",
          "--clip-value",
          "--accumulate",
          "--ema",
          "--no-decay-on-biases",
          "--freeze",
          "--lr-mult",
          "--decay-mult"};
}

void apply(const OptimizerFlags& f, bool resumed, TrainOptions& options) {
  OptimizerOptions& o = options.optimizer;
  ScheduleOptions& s = options.schedule;
  const OptimizerKind kind = kind_of(f.optimizer, optimizer_names, o.kind);
  if (!resumed) o = defaults_of(kind);
  o.kind = kind;
  s.kind = kind_of(f.schedule, schedule_names, s.kind);
  require_optimizer_has(f, o.kind);
  require_schedule_has(f, s.kind, resumed);

  set(f.learning_rate, o.learning_rate);
  set(f.momentum, o.momentum);
  set(f.weight_decay, o.weight_decay);
  o.nesterov = o.nesterov || f.nesterov;
  set(f.beta1, o.beta1);
  set(f.beta2, o.beta2);
  set(f.epsilon, o.epsilon);
  set(f.alpha, o.alpha);
  set(f.lr_decay, o.lr_decay);

  set(f.warmup, s.warmup_steps);
  set(f.warmup_epochs, s.warmup_epochs);
  set(f.step_size, s.step_size);
  if (!f.milestones.empty()) s.milestones = parse_milestones(f.milestones);
  set(f.gamma, s.gamma);
  set(f.power, s.power);
  set(f.min_lr, s.min_learning_rate);
  set(f.max_lr, s.max_learning_rate);
  set(f.rise, s.rise);
  set(f.start_divisor, s.start_divisor);
  set(f.end_divisor, s.end_divisor);
  set(f.patience, s.patience);
  set(f.threshold, s.threshold);

  set(f.clip_norm, options.clip_norm);
  set(f.clip_value, options.clip_value);
  set(f.accumulate, options.accumulate);
  set(f.ema, options.ema);
  options.groups.no_decay_on_biases = options.groups.no_decay_on_biases || f.no_decay_on_biases;
  if (!f.freeze.empty()) options.groups.freeze = f.freeze;
  if (!f.lr_mult.empty()) options.groups.learning_rate_rules = parse_rules("--lr-mult", f.lr_mult);
  if (!f.decay_mult.empty()) options.groups.decay_rules = parse_rules("--decay-mult", f.decay_mult);
  validate(options);
}

std::string describe_optimizer(const TrainOptions& options) {
  const OptimizerOptions& o = options.optimizer;
  const ScheduleOptions& s = options.schedule;
  const bool own_peak = s.kind == ScheduleKind::one_cycle && s.max_learning_rate > 0;
  std::string text = fmt::format("{}, learning rate {}", word_of(o.kind, optimizer_names),
                                 own_peak ? s.max_learning_rate : o.learning_rate);
  if (s.kind != ScheduleKind::constant) text += fmt::format(" ({})", word_of(s.kind, schedule_names));
  if (o.kind == OptimizerKind::sgd || o.kind == OptimizerKind::rmsprop)
    text += fmt::format(", momentum {}", o.momentum);
  text += fmt::format(", weight decay {}", o.weight_decay);
  if (o.nesterov) text += ", Nesterov";
  if (options.accumulate > 1) text += fmt::format(", {} batches a step", options.accumulate);
  if (options.clip_norm > 0) text += fmt::format(", norm at most {}", options.clip_norm);
  if (options.clip_value > 0) text += fmt::format(", gradients at most {}", options.clip_value);
  if (options.ema > 0) text += fmt::format(", average of decay {}", options.ema);
  return text;
}

}  // namespace fovea::cli
