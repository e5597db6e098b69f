// SPDX-License-Identifier: Apache-2.0
#include "core/graph/net_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>

#include "core/support/did_you_mean.h"
#include "core/support/error.h"

namespace fovea {
namespace {

std::vector<std::string> type_names(const LayerTypes& types) {
  std::vector<std::string> names;
  for (const auto& [name, factory] : types.all()) names.push_back(name);
  return names;
}

// Without a type nobody knows which options are right: report only slips in the keys that all tables have.
void finish_common(TomlReader& reader, const TomlValue& table) {
  for (const TomlEntry& entry : table.entries) {
    if (closest_match(entry.key, {"name", "type", "inputs", "engine"}).empty()) reader.accept(entry.key);
  }
  reader.finish();
}

// The layer of a table's `type` with its options; null, and faults, when they are not right. `what` is "layer" or
// "loss"; `more_keys` reads what the table has besides.
std::shared_ptr<const Layer> read_typed(
    TomlReader& reader, const TomlValue& table, const std::string& type, const LayerTypes& types, std::string_view what,
    NetFaults& faults, const std::function<void(const Layer&)>& more_keys = [](const Layer&) {}) {
  const TomlEntry* entry = table.find("type");
  if (entry == nullptr || entry->value.kind != TomlValue::Kind::string) {
    finish_common(reader, table);
    return nullptr;
  }
  const auto factory = types.all().find(type);
  if (factory == types.all().end()) {
    const std::vector<std::string> known = type_names(types);
    reader.fault(entry->value, fmt::format("unknown {} type: expected one of {}, got '{}'{}", what,
                                           fmt::join(known, ", "), type, did_you_mean(type, known)));
    finish_common(reader, table);
    return nullptr;
  }
  const std::size_t faults_before = faults.count();
  std::shared_ptr<const Layer> layer;
  std::string refusal;
  try {
    layer = factory->second(reader);
    more_keys(*layer);
  } catch (const InputError& error) {
    refusal = error.what();
  }
  reader.finish();
  // A layer made from defaults where fields are faulty would only make noise.
  if (faults.count() != faults_before) return nullptr;
  if (!refusal.empty()) reader.fault(table, refusal);
  return layer;
}

Initialization read_init(TomlReader& reader, const TomlValue& table) {
  const TomlEntry* entry = table.find("init");
  if (entry == nullptr) return {};
  Initialization init;
  field(reader, "init", init.kind, Presence::optional, init_names);
  field(reader, "init_mode", init.mode, Presence::optional, fan_names);
  const auto number = [&](std::string_view key, std::optional<double>& value) {
    double given = 0;
    reader.field(key, given, Presence::optional, {});
    if (table.find(key) != nullptr) value = given;
  };
  number("init_gain", init.gain);
  number("init_std", init.std);
  number("init_value", init.value);
  reader.field("init_bias", init.bias, Presence::optional, {});
  try {
    validate(init);
  } catch (const InputError& error) {
    reader.fault(entry->value, error.what());
    return {};
  }
  return init;
}

}  // namespace

void write_init(TomlWriter& writer, Initialization init) {
  if (init.kind == InitKind::layer_default) return;
  field(writer, "init", init.kind, Presence::optional, init_names);
  if (init.mode != FanMode::fan_in) field(writer, "init_mode", init.mode, Presence::optional, fan_names);
  if (init.gain) writer.field("init_gain", *init.gain, Presence::optional, {});
  if (init.std) writer.field("init_std", *init.std, Presence::optional, {});
  if (init.value) writer.field("init_value", *init.value, Presence::optional, {});
  if (init.bias != 0) writer.field("init_bias", init.bias, Presence::optional, {});
}

bool is_name(const std::string& text) {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

const TomlValue& fault_position(const TomlValue& table, const std::string& message) {
  const TomlEntry* entry = table.find(std::string_view(message).substr(0, message.find(':')));
  return entry != nullptr ? entry->value : table;
}

NetFileLayer read_layer(const TomlValue& table, std::size_t number, const LayerTypes& types, NetFaults& faults) {
  NetFileLayer layer;
  layer.line = table.line, layer.column = table.column;
  layer.where = fmt::format("layer {}", number);
  TomlReader reader(table, layer.where, faults);
  reader.field("name", layer.name, Presence::required);
  if (const TomlEntry* name = table.find("name"); name != nullptr && name->value.kind == TomlValue::Kind::string) {
    if (is_name(layer.name)) {
      layer.where = fmt::format("layer '{}'", layer.name);
      reader.set_where(layer.where);
    } else {
      reader.wrong("name", name->value, "1 to 64 letters, digits, '_' or '-'");
      layer.name.clear();
    }
  }
  std::string type;
  reader.field("type", type, Presence::required);
  if (const TomlEntry* inputs = table.find("inputs")) layer.inputs_value = &inputs->value;
  reader.strings("inputs", layer.input_names, Presence::optional);
  reader.field("engine", layer.engine, Presence::optional);
  layer.init = read_init(reader, table);
  layer.layer = read_typed(reader, table, type, types, "layer", faults);
  return layer;
}

void read_loss(TomlReader& root, const LayerTypes& losses, NetFaults& faults, Graph& graph) {
  const TomlValue* table = root.get("loss", Presence::optional, "");
  if (table == nullptr) return;
  if (table->kind != TomlValue::Kind::table) return root.wrong("loss", *table, "a [loss] table");
  TomlReader reader(*table, "loss", faults);
  std::string type;
  reader.field("type", type, Presence::required);
  OneHotOptions targets;
  const auto read_targets = [&](const Layer& loss) {
    if (loss.input_dtype(1) != DType::f32) return;
    reader.field("on", targets.on, Presence::optional, {});
    reader.field("off", targets.off, Presence::optional, {});
  };
  std::shared_ptr<const Layer> loss = read_typed(reader, *table, type, losses, "loss", faults, read_targets);
  if (loss != nullptr) graph.set_loss(std::move(loss), targets);
}

void write_loss(TomlWriter& writer, const Graph& graph) {
  if (graph.loss() == nullptr) return;
  std::string type(graph.loss()->type());
  OneHotOptions targets = graph.loss_targets();
  writer.line("");
  writer.line("[loss]");
  writer.field("type", type, Presence::required);
  graph.loss()->describe(writer);
  if (graph.loss()->input_dtype(1) != DType::f32) return;
  writer.field("on", targets.on, Presence::optional, {});
  writer.field("off", targets.off, Presence::optional, {});
}

void check_loss(const TomlValue& root, const Graph& graph, NetFaults& faults) {
  const TomlEntry* table = root.find("loss");
  if (table == nullptr || graph.loss() == nullptr) return;
  const Shape logits = graph.shapes(1).back();
  if (logits.rank() < 2) return;  // make_classifier says so, whatever the loss
  const Shape labels = logits.without_batch().without_batch().with_batch(1);
  try {
    const bool targets = graph.loss()->input_dtype(1) == DType::f32;
    const Shape inputs[] = {logits, targets ? logits : labels};
    (void)graph.loss()->output_shape(inputs);
  } catch (const InputError& error) {
    const TomlValue& at = fault_position(table->value, error.what());
    faults.add(at.line, at.column, "loss", error.what());
  }
}

}  // namespace fovea
