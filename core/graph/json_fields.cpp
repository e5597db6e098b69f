// SPDX-License-Identifier: Apache-2.0
#include "core/graph/json_fields.h"

#include <fmt/format.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "core/graph/toml_fields.h"
#include "core/support/did_you_mean.h"
#include "core/support/error.h"

namespace fovea {
namespace {

constexpr std::size_t deepest = 8;

// Takes the parser's events one by one: a tree of the document would drop duplicate keys without a word, and a bomb of
// brackets is refused before it costs anything.
class TreeEvents final : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit TreeEvents(const std::string& what) : what_(what) {}

  TomlValue take() { return std::move(root_); }

  bool null() override {
    fail(open_.empty() ? "expected an object, got null"
                       : fmt::format("key '{}': expected a value, got null", top_key_));
  }
  bool boolean(bool value) override {
    TomlValue& to = add(TomlValue::Kind::boolean, value ? "true" : "false");
    to.boolean = value;
    return true;
  }
  bool number_integer(number_integer_t value) override {
    TomlValue& to = add(TomlValue::Kind::integer, "a number");
    to.integer = value;
    return true;
  }
  bool number_unsigned(number_unsigned_t value) override {
    if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
      return number_float(static_cast<double>(value), {});
    return number_integer(static_cast<std::int64_t>(value));
  }
  bool number_float(number_float_t value, const string_t&) override {
    TomlValue& to = add(TomlValue::Kind::real, "a number");
    to.real = value;
    return true;
  }
  bool string(string_t& text) override {
    TomlValue& to = add(TomlValue::Kind::string, "a string");
    to.text = std::move(text);
    return true;
  }
  bool binary(binary_t&) override { fail("expected an object, got binary data"); }

  bool start_object(std::size_t) override {
    if (open_.empty()) {
      open_.push_back(&root_);
    } else {
      open(TomlValue::Kind::table);
    }
    return true;
  }
  bool key(string_t& text) override {
    if (open_.back()->find(text) != nullptr) fail(fmt::format("key '{}': given more than once", text));
    if (open_.size() == 1) top_key_ = text;
    open_.back()->entries.push_back({std::move(text), 0, 0, {}});
    return true;
  }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override {
    if (open_.empty()) fail("expected an object, got an array");
    open(TomlValue::Kind::array);
    return true;
  }
  bool end_array() override { return close(); }

  bool parse_error(std::size_t position, const std::string& token, const nlohmann::detail::exception& error) override {
    constexpr int number_overflow = 406;
    if (error.id == number_overflow) fail(fmt::format("the number {} is too large", token));
    fail(fmt::format("not JSON at byte {}: expected an object such as {{\"kernel\": 3}}", position));
  }

 private:
  [[noreturn]] void fail(const std::string& text) const { throw InputError(fmt::format("{}: {}", what_, text)); }

  TomlValue& add(TomlValue::Kind kind, std::string_view got) {
    if (open_.empty()) fail(fmt::format("expected an object, got {}", got));
    TomlValue& parent = *open_.back();
    TomlValue& value =
        parent.kind == TomlValue::Kind::array ? parent.items.emplace_back() : parent.entries.back().value;
    value.kind = kind;
    return value;
  }
  void open(TomlValue::Kind kind) {
    if (open_.size() == deepest) fail(fmt::format("key '{}': nested more than {} deep", top_key_, deepest));
    open_.push_back(&add(kind, {}));
  }
  bool close() {
    open_.pop_back();
    return true;
  }

  const std::string& what_;
  TomlValue root_;
  std::vector<TomlValue*> open_;  // nothing is added to the others while the last is open, so the pointers hold
  std::string top_key_;
};

}  // namespace

TomlValue parse_json_object(std::string_view json, const std::string& what) {
  TreeEvents events(what);
  nlohmann::json::sax_parse(json.begin(), json.end(), &events);
  return events.take();
}

std::shared_ptr<const Layer> make_layer(const LayerTypes& types, std::string_view type, std::string_view json_params) {
  const auto factory = types.all().find(std::string(type));
  if (factory == types.all().end()) {
    std::vector<std::string> known;
    for (const auto& entry : types.all()) known.push_back(entry.first);
    const std::string hint = did_you_mean(type, known);
    throw InputError(
        fmt::format("unknown layer type: expected one of {}, got '{}'{}", fmt::join(known, ", "), type, hint));
  }
  const TomlValue table = parse_json_object(json_params, "params");
  NetFaults faults("params");
  TomlReader reader(table, std::string(type), faults);
  std::shared_ptr<const Layer> layer;
  std::string refusal;
  try {
    layer = factory->second(reader);
  } catch (const InputError& error) {
    refusal = error.what();
  }
  reader.finish();
  if (faults.count() == 0 && !refusal.empty()) reader.fault(table, refusal);
  faults.throw_if_any();
  return layer;
}

}  // namespace fovea
