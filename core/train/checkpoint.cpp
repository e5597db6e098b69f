// SPDX-License-Identifier: Apache-2.0
#include "core/train/checkpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <set>

#include "core/io/safetensors.h"
#include "core/support/error.h"

namespace fovea {
namespace {

constexpr std::string_view format_name = "fovea checkpoint", format_version = "2";
// No layer's name has a slash, so what the optimizer remembers cannot be taken for a weight.
constexpr std::string_view slot_prefix = "optimizer/", average_prefix = "average/";

// The shortest text that reads back as the same bits; std::to_chars knows no locale.
template <class Number>
std::string to_text(Number value) {
  char buffer[64];
  const auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, value);
  return std::string(buffer, error == std::errc{} ? end : buffer);
}

// The metadata of a checkpoint as typed values; a fault names the file and the key.
class MetadataReader {
 public:
  MetadataReader(const std::string& path, const std::map<std::string, std::string>& metadata)
      : path_(path), metadata_(metadata) {}

  const std::string& text(const std::string& key) const {
    const auto found = metadata_.find(key);
    if (found == metadata_.end()) fail(key, "it is missing");
    return found->second;
  }
  template <class Number>
  Number number(const std::string& key) const {
    return parse<Number>(key, text(key));
  }
  // A position or a size.
  std::int64_t count(const std::string& key, std::int64_t least) const {
    const auto value = number<std::int64_t>(key);
    if (value < least) fail(key, fmt::format("expected at least {}, got {}", least, value));
    return value;
  }
  template <class Number>
  std::vector<Number> numbers(const std::string& key) const {
    std::vector<Number> values;
    std::string_view rest = text(key);
    for (;;) {
      const std::size_t comma = std::min(rest.find(','), rest.size());
      values.push_back(parse<Number>(key, rest.substr(0, comma)));
      if (comma == rest.size()) return values;
      rest.remove_prefix(comma + 1);
    }
  }
  std::vector<std::string> texts(const std::string& key) const {
    const nlohmann::json list = nlohmann::json::parse(text(key), nullptr, false);
    if (!list.is_array()) fail(key, "expected a JSON list of strings");
    std::vector<std::string> values;
    for (const nlohmann::json& value : list) {
      if (!value.is_string()) fail(key, "expected a JSON list of strings");
      values.push_back(value.get<std::string>());
    }
    return values;
  }
  [[noreturn]] void fail(const std::string& key, const std::string& what) const {
    throw InputError(fmt::format("{}: checkpoint field '{}': {}", path_, key, what));
  }

 private:
  template <class Number>
  Number parse(const std::string& key, std::string_view value) const {
    Number number{};
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error != std::errc{} || end != value.data() + value.size()) {
      fail(key, fmt::format("expected a number, got '{}'", value));
    }
    return number;
  }

  const std::string& path_;
  const std::map<std::string, std::string>& metadata_;
};

template <class Numbers>
std::string join_numbers(const Numbers& numbers) {
  std::string text;
  for (const auto number : numbers) text += (text.empty() ? "" : ",") + to_text(number);
  return text;
}

std::string join_texts(const std::vector<std::string>& texts) {
  try {
    return nlohmann::json(texts).dump();
  } catch (const nlohmann::json::exception&) {
    throw InputError("checkpoint: a class name is not UTF-8");
  }
}

constexpr std::pair<Direction, std::string_view> direction_words[] = {{Direction::forward, "forward"},
                                                                      {Direction::backward, "backward"}};

std::string_view word_of(Direction direction) {
  return direction_words[direction == Direction::forward ? 0 : 1].second;
}

// [["conv1", "forward", "native"], ...]
std::string picks_to_text(const EnginePicks& picks) {
  nlohmann::json list = nlohmann::json::array();
  for (const EnginePick& pick : picks) list.push_back({pick.layer, word_of(pick.direction), pick.engine});
  return list.dump();
}

EnginePicks picks_from_text(const MetadataReader& in, const std::string& key) {
  const auto demand = [&](bool ok) {
    if (!ok) in.fail(key, "expected a JSON list of [layer, \"forward\" or \"backward\", engine]");
  };
  const nlohmann::json list = nlohmann::json::parse(in.text(key), nullptr, false);
  demand(list.is_array());
  EnginePicks picks;
  for (const nlohmann::json& item : list) {
    demand(item.is_array() && item.size() == 3 && item[0].is_string() && item[1].is_string() && item[2].is_string());
    const auto direction =
        std::ranges::find(direction_words, item[1].get<std::string>(), &std::pair<Direction, std::string_view>::second);
    demand(direction != std::end(direction_words));
    picks.push_back({item[0].get<std::string>(), direction->first, item[2].get<std::string>()});
  }
  return picks;
}

// Every slot holds the same parameters as the weights, the average those and the state; all f32.
void require_whole(const std::string& path, const Checkpoint& c) {
  Checkpoint::Tensors averaged = c.weights;
  averaged.insert(averaged.end(), c.state.begin(), c.state.end());
  const auto same = [&](const Checkpoint::Tensors& wanted, const Checkpoint::Tensors& got, const std::string& what) {
    bool fit = wanted.size() == got.size();
    for (std::size_t i = 0; fit && i < wanted.size(); ++i) {
      const Tensor &w = wanted[i].second, &g = got[i].second;
      fit = wanted[i].first == got[i].first && w.shape() == g.shape() && w.dtype() == DType::f32 &&
            g.dtype() == DType::f32;
    }
    require(fit, [&] {
      return fmt::format("{}: checkpoint: weights and {} must be the same parameters, f32, in one order", path, what);
    });
  };
  for (const auto& [name, tensors] : c.slots) same(c.weights, tensors, "the optimizer's " + name);
  if (!c.average.empty()) same(averaged, c.average, "their average");
}

}  // namespace

void write_checkpoint(const std::string& path, const Checkpoint& c) {
  require_whole(path, c);
  SafetensorsFile file;
  file.metadata = {{"format", std::string(format_name)},
                   {"format_version", std::string(format_version)},
                   {"net", c.net},
                   {"sample_shape", join_numbers(c.sample_shape.extents())},
                   {"class_names", join_texts(c.class_names)},
                   {"mean", join_numbers(c.normalization.mean)},
                   {"deviation", join_numbers(c.normalization.deviation)},
                   {"step", to_text(c.step)},
                   {"epoch", to_text(c.epoch)},
                   {"epoch_samples", to_text(c.epoch_samples)},
                   {"epoch_correct", to_text(c.epoch_correct)},
                   {"epoch_loss", to_text(c.epoch_loss)},
                   {"options", to_json(c.options)},
                   {"data", c.data},
                   {"device", c.device}};
  if (!c.engines.empty()) file.metadata["engines"] = picks_to_text(c.engines);
  if (c.plateau) {
    file.metadata["plateau_learning_rate"] = to_text(c.plateau->learning_rate);
    file.metadata["plateau_best"] = to_text(c.plateau->best);
    file.metadata["plateau_bad_epochs"] = to_text(c.plateau->bad_epochs);
  }
  if (c.loss_scale) {
    file.metadata["loss_scale"] = to_text(c.loss_scale->scale);
    file.metadata["loss_scale_good_steps"] = to_text(c.loss_scale->good_steps);
    file.metadata["loss_scale_skipped_steps"] = to_text(c.loss_scale->skipped_steps);
  }
  std::vector<std::string> state_names;
  for (const auto& [name, tensor] : c.state) state_names.push_back(name);
  if (!state_names.empty()) file.metadata["state"] = join_texts(state_names);
  for (const auto& [name, tensor] : c.weights) file.tensors.emplace_back(name, tensor);
  for (const auto& [name, tensor] : c.state) file.tensors.emplace_back(name, tensor);
  for (const auto& [slot, tensors] : c.slots)
    for (const auto& [name, tensor] : tensors)
      file.tensors.emplace_back(fmt::format("{}{}/{}", slot_prefix, slot, name), tensor);
  for (const auto& [name, tensor] : c.average)
    file.tensors.emplace_back(fmt::format("{}{}", average_prefix, name), tensor);
  write_safetensors(path, file, true);
}

Checkpoint read_checkpoint(const std::string& path) {
  SafetensorsFile file = read_checked_safetensors(path);
  const MetadataReader in(path, file.metadata);
  if (in.text("format") != format_name) in.fail("format", fmt::format("this is no {}", format_name));
  if (in.text("format_version") != format_version) {
    in.fail("format_version", fmt::format("this version of Fovea reads version {}, the file has version {}",
                                          format_version, in.text("format_version")));
  }
  Checkpoint c;
  c.net = in.text("net");
  const std::vector<std::int64_t> extents = in.numbers<std::int64_t>("sample_shape");
  if (extents.size() != 2 && extents.size() != 3)
    in.fail("sample_shape", "expected channels, height and width, or channels and length");
  for (const std::int64_t extent : extents) {
    if (extent < 1) in.fail("sample_shape", fmt::format("expected extents from 1, got {}", extent));
  }
  c.sample_shape = Shape(std::span<const std::int64_t>(extents));
  c.class_names = in.texts("class_names");
  c.normalization = {in.numbers<float>("mean"), in.numbers<float>("deviation")};
  for (const std::string key : {"mean", "deviation"}) {
    const std::size_t channels = (key == "mean" ? c.normalization.mean : c.normalization.deviation).size();
    if (channels != static_cast<std::size_t>(extents[0])) {
      in.fail(key, fmt::format("expected {} channels, got {}", extents[0], channels));
    }
  }
  c.step = in.count("step", 0);
  c.epoch = in.count("epoch", 0);
  c.epoch_samples = in.count("epoch_samples", 0);
  c.epoch_correct = in.count("epoch_correct", 0);
  c.epoch_loss = in.number<double>("epoch_loss");
  c.options = options_from_json(in.text("options"), path + ": checkpoint field 'options'");
  c.data = in.text("data");
  if (file.metadata.count("device") != 0) c.device = in.text("device");
  if (file.metadata.count("engines") != 0) c.engines = picks_from_text(in, "engines");
  if (c.options.schedule.kind == ScheduleKind::plateau)
    c.plateau = PlateauState{.learning_rate = in.number<double>("plateau_learning_rate"),
                             .best = in.number<double>("plateau_best"),
                             .bad_epochs = in.count("plateau_bad_epochs", 0)};
  if (c.options.precision == Precision::fp16) {
    c.loss_scale = LossScale{.scale = in.number<double>("loss_scale"),
                             .good_steps = in.count("loss_scale_good_steps", 0),
                             .skipped_steps = in.count("loss_scale_skipped_steps", 0)};
    try {
      LossScaler{*c.loss_scale};
    } catch (const InputError& error) {
      in.fail("loss_scale", error.what());
    }
  }
  std::set<std::string> state_names;
  if (file.metadata.count("state") != 0)
    for (std::string& name : in.texts("state")) state_names.insert(std::move(name));
  for (auto& [name, tensor] : file.tensors) {
    if (state_names.erase(name) != 0) {
      if (tensor.dtype() != DType::f32) in.fail("state", fmt::format("'{}' is not f32", name));
      c.state.emplace_back(name, std::move(tensor));
    } else if (name.starts_with(average_prefix)) {
      c.average.emplace_back(name.substr(average_prefix.size()), std::move(tensor));
    } else if (name.starts_with(slot_prefix)) {
      const std::size_t begin = slot_prefix.size(), end = std::min(name.find('/', begin), name.size());
      const std::string slot = name.substr(begin, end - begin);
      if (c.slots.empty() || c.slots.back().first != slot) c.slots.emplace_back(slot, Checkpoint::Tensors{});
      c.slots.back().second.emplace_back(name.substr(std::min(end + 1, name.size())), std::move(tensor));
    } else {
      c.weights.emplace_back(name, std::move(tensor));
    }
  }
  if (!state_names.empty()) in.fail("state", fmt::format("there is no tensor '{}'", *state_names.begin()));
  require_whole(path, c);
  return c;
}

bool use_engines_of(const Checkpoint& checkpoint, const std::string& path, Backend& backend) {
  const std::vector<std::string> known = backend.measured_engines();
  if (known.empty() || (checkpoint.engines.empty() && checkpoint.device != backend.name())) return false;
  for (const EnginePick& pick : checkpoint.engines)
    require(std::ranges::find(known, pick.engine) != known.end(), [&] {
      return fmt::format(
          "{}: layer '{}' was computed {} by engine '{}', which device {} does not have here: expected {}", path,
          pick.layer, word_of(pick.direction), pick.engine, backend.name(), fmt::join(known, " or "));
    });
  backend.pick_engines(checkpoint.engines);
  return true;
}

namespace {

// Copies the tensors of both lists into `arena`, by name.
void load(const Checkpoint::Tensors& weights, const Checkpoint::Tensors& state, const std::string& path,
          ParameterArena& arena) {
  const std::vector<ParameterLayout::Entry>& entries = arena.layout().entries;
  std::map<std::string_view, const Tensor*> saved;
  for (const auto* list : {&weights, &state})
    for (const auto& [name, tensor] : *list) saved.emplace(name, &tensor);
  std::string differences;
  std::set<std::string_view> expected;
  for (const ParameterLayout::Entry& entry : entries) {
    expected.insert(entry.name);
    const auto found = saved.find(entry.name);
    if (found == saved.end()) {
      differences += fmt::format("\n  {}: {} is missing", entry.name, entry.spec.shape.to_string());
    } else if (found->second->shape() != entry.spec.shape) {
      differences += fmt::format("\n  {}: expected {}, got {}", entry.name, entry.spec.shape.to_string(),
                                 found->second->shape().to_string());
    }
  }
  for (const auto& [name, tensor] : saved) {
    if (expected.count(name) == 0) {
      differences += fmt::format("\n  {}: {} is not in the net", name, tensor->shape().to_string());
    }
  }
  require(differences.empty(), [&] { return fmt::format("{}: the weights are another net's:{}", path, differences); });
  for (std::size_t i = 0; i < entries.size(); ++i) arena.set(i, *saved.at(entries[i].name));
}

}  // namespace

void load_weights(const Checkpoint& checkpoint, const std::string& path, ParameterArena& arena) {
  load(checkpoint.weights, checkpoint.state, path, arena);
}

void load_evaluation_weights(const Checkpoint& checkpoint, const std::string& path, ParameterArena& arena) {
  if (checkpoint.average.empty())
    load_weights(checkpoint, path, arena);
  else
    load(checkpoint.average, {}, path, arena);
}

}  // namespace fovea
