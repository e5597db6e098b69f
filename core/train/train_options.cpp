// SPDX-License-Identifier: Apache-2.0
#include "core/train/train_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "core/graph/initialization.h"
#include "core/support/did_you_mean.h"
#include "core/support/error.h"

namespace fovea {
namespace {

using Json = nlohmann::ordered_json;

// The list. `field(name, value)` is called for each, and with the words of an enumeration where it is one;
// `field.later(name, value)` for those that files of before lack, whose runs were made with the default.
template <class Options, class Field>
void for_each_field(Options& o, Field&& field) {
  field("epochs", o.epochs);
  field("batch", o.batch);
  field("seed", o.seed);
  field("optimizer", o.optimizer.kind, optimizer_names);
  field("learning_rate", o.optimizer.learning_rate);
  field("momentum", o.optimizer.momentum);
  field("weight_decay", o.optimizer.weight_decay);
  field("nesterov", o.optimizer.nesterov);
  field("beta1", o.optimizer.beta1);
  field("beta2", o.optimizer.beta2);
  field("epsilon", o.optimizer.epsilon);
  field("alpha", o.optimizer.alpha);
  field("lr_decay", o.optimizer.lr_decay);
  field("schedule", o.schedule.kind, schedule_names);
  field("warmup_steps", o.schedule.warmup_steps);
  field("warmup_epochs", o.schedule.warmup_epochs);
  field("step_size", o.schedule.step_size);
  field("milestones", o.schedule.milestones);
  field("gamma", o.schedule.gamma);
  field("power", o.schedule.power);
  field("min_learning_rate", o.schedule.min_learning_rate);
  field("max_learning_rate", o.schedule.max_learning_rate);
  field("rise", o.schedule.rise);
  field("start_divisor", o.schedule.start_divisor);
  field("end_divisor", o.schedule.end_divisor);
  field("patience", o.schedule.patience);
  field("threshold", o.schedule.threshold);
  field("freeze", o.groups.freeze);
  field("lr_mult", o.groups.learning_rate_rules);
  field("decay_mult", o.groups.decay_rules);
  field("no_decay_on_biases", o.groups.no_decay_on_biases);
  field("clip_norm", o.clip_norm);
  field("clip_value", o.clip_value);
  field("accumulate", o.accumulate);
  field("micro_batch", o.micro_batch);
  field("ema", o.ema);
  field("init", o.init);
  field("augment", o.augment);
  field("precision", o.precision, precision_names);
  field.later("layouts", o.passes.layouts);
}

class Writer {
 public:
  template <class T>
  void operator()(const char* name, const T& value) {
    object[name] = value;
  }
  void operator()(const char* name, const std::vector<ParameterRule>& rules) {
    Json list = Json::array();
    for (const ParameterRule& rule : rules) list.push_back(Json::array({rule.pattern, rule.factor}));
    object[name] = std::move(list);
  }
  template <class Enum, class Names>
  void operator()(const char* name, Enum value, const Names& names) {
    for (const auto& [known, word] : names)
      if (known == value) object[name] = word;
  }
  void later(const char* name, bool value) { object[name] = value; }

  Json object = Json::object();
};

// Strict: each field has to be there, but for later ones, of its type.
class Reader {
 public:
  Reader(const Json& object, const std::string& where) : object_(object), where_(where) {}

  void operator()(const char* name, std::int64_t& value) {
    const Json& json = at(name);
    // A number above the signed range is unsigned to the parser.
    expect(json.is_number_integer() && (!json.is_number_unsigned() || json.get<std::uint64_t>() <= largest_signed),
           name, "a whole number");
    value = json.get<std::int64_t>();
  }
  void operator()(const char* name, std::uint64_t& value) {
    expect(at(name).is_number_unsigned(), name, "a whole number of at least 0");
    value = at(name).get<std::uint64_t>();
  }
  void operator()(const char* name, double& value) {
    expect(at(name).is_number(), name, "a number");
    value = at(name).get<double>();
  }
  void operator()(const char* name, bool& value) {
    expect(at(name).is_boolean(), name, "true or false");
    value = at(name).get<bool>();
  }
  void operator()(const char* name, std::string& value) {
    expect(at(name).is_string(), name, "a string");
    value = at(name).get<std::string>();
  }
  void operator()(const char* name, std::vector<std::int64_t>& values) {
    for (const Json& item : list(name)) {
      expect(item.is_number_integer(), name, "a list of whole numbers");
      values.push_back(item.get<std::int64_t>());
    }
  }
  void operator()(const char* name, std::vector<std::string>& values) {
    for (const Json& item : list(name)) {
      expect(item.is_string(), name, "a list of strings");
      values.push_back(item.get<std::string>());
    }
  }
  void operator()(const char* name, std::vector<ParameterRule>& rules) {
    for (const Json& item : list(name)) {
      const bool pair = item.is_array() && item.size() == 2 && item[0].is_string() && item[1].is_number();
      expect(pair, name, "a list of patterns with their factors");
      rules.push_back({item[0].get<std::string>(), item[1].get<double>()});
    }
  }
  template <class Enum, class Names>
  void operator()(const char* name, Enum& value, const Names& names) {
    std::vector<std::string_view> words;
    bool found = false;
    for (const auto& [known, word] : names) {
      words.push_back(word);
      if (at(name) != word) continue;
      value = known;
      found = true;
    }
    expect(found, name, fmt::format("one of {}", fmt::join(words, ", ")));
  }
  void later(const char* name, bool& value) {
    known_.emplace_back(name);
    if (object_.contains(name)) (*this)(name, value);
  }

  // After all fields: what is left is unknown.
  void finish() const {
    for (const auto& [key, value] : object_.items())
      if (std::ranges::find(known_, key) == known_.end())
        throw InputError(fmt::format("{}: unknown field '{}'{}", where_, key, did_you_mean(key, known_)));
  }

 private:
  static constexpr auto largest_signed = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());

  const Json& at(const char* name) {
    if (known_.empty() || known_.back() != name) known_.emplace_back(name);
    const auto found = object_.find(name);
    if (found == object_.end()) throw InputError(fmt::format("{}: '{}' is missing", where_, name));
    return *found;
  }
  const Json& list(const char* name) {
    expect(at(name).is_array(), name, "a list");
    return at(name);
  }
  void expect(bool ok, const char* name, std::string_view expected) {
    if (!ok) throw InputError(fmt::format("{}: '{}': expected {}, got {}", where_, name, expected, at(name).dump()));
  }

  const Json& object_;
  const std::string& where_;
  std::vector<std::string> known_;
};

Json object_of(const TrainOptions& options) {
  Writer writer;
  for_each_field(options, writer);
  return std::move(writer.object);
}

}  // namespace

void validate(const TrainOptions& o) {
  const auto demand = [](bool ok, std::string_view field, std::string_view expected, auto got) {
    require(ok, [&] { return fmt::format("{}: expected {}, got {}", field, expected, got); });
  };
  demand(o.epochs >= 1, "epochs", "at least 1", o.epochs);
  demand(o.batch >= 1, "batch", "at least 1", o.batch);
  demand(o.accumulate >= 1, "accumulate", "at least 1 batch", o.accumulate);
  demand(o.micro_batch >= 0 && o.micro_batch <= o.batch, "micro_batch", fmt::format("0 to {}, the batch", o.batch),
         o.micro_batch);
  demand(std::isfinite(o.clip_norm) && o.clip_norm >= 0, "clip_norm", "a number of at least 0", o.clip_norm);
  demand(std::isfinite(o.clip_value) && o.clip_value >= 0, "clip_value", "a number of at least 0", o.clip_value);
  demand(o.ema >= 0 && o.ema < 1, "ema", "a number of at least 0 and below 1", o.ema);
  if (!o.init.empty()) Initialization::parse(o.init);
  validate(o.optimizer);
  validate(o.schedule);
}

std::string to_json(const TrainOptions& options) {
  try {
    return object_of(options).dump();
  } catch (const nlohmann::json::exception&) {
    throw InputError("freeze, lr_mult, decay_mult: expected patterns of UTF-8");
  }
}

TrainOptions options_from_json(const std::string& text, const std::string& where) {
  const Json object = Json::parse(text, nullptr, false);
  require(object.is_object(), [&] { return where + ": expected a JSON object"; });
  TrainOptions options;
  Reader reader(object, where);
  for_each_field(options, reader);
  reader.finish();
  try {
    validate(options);
  } catch (const InputError& error) {
    throw InputError(fmt::format("{}: {}", where, error.what()));
  }
  return options;
}

void require_same_run(const TrainOptions& saved, const TrainOptions& now, const std::string& path) {
  const Json then = object_of(saved), here = object_of(now);
  for (const auto& [name, value] : here.items()) {
    const Json& before = then.at(name);
    if (value == before || (name == "epochs" && !depends_on_total(now.schedule.kind))) continue;
    std::string words = name;
    std::ranges::replace(words, '_', ' ');
    throw InputError(fmt::format("{}: cannot resume: {} was {} in the checkpoint and is {} now", path, words,
                                 before.dump(), value.dump()));
  }
}

}  // namespace fovea
