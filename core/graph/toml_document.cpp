// SPDX-License-Identifier: Apache-2.0
#include "core/graph/toml_document.h"

#include <fmt/core.h>

#include <algorithm>
#include <tuple>

// toml++ breaks assertions of its own on damaged files ("= 1" as the first line), before it reports them well. Without
// NDEBUG they abort, and with it clang takes them for promises, which is worse; this way they are nothing.
#undef NDEBUG
#define TOML_ASSERT(condition) static_assert(true)
#include <toml++/toml.h>

#include "core/support/error.h"

namespace fovea {
namespace {

int line_of(const toml::source_region& source) { return static_cast<int>(source.begin.line); }
int column_of(const toml::source_region& source) { return static_cast<int>(source.begin.column); }

TomlValue convert(const toml::node& node) {
  TomlValue value;
  value.line = line_of(node.source());
  value.column = column_of(node.source());
  switch (node.type()) {
    case toml::node_type::boolean:
      value.kind = TomlValue::Kind::boolean;
      value.boolean = node.as_boolean()->get();
      break;
    case toml::node_type::integer:
      value.kind = TomlValue::Kind::integer;
      value.integer = node.as_integer()->get();
      break;
    case toml::node_type::floating_point:
      value.kind = TomlValue::Kind::real;
      value.real = node.as_floating_point()->get();
      break;
    case toml::node_type::string:
      value.kind = TomlValue::Kind::string;
      value.text = node.as_string()->get();
      break;
    case toml::node_type::array:
      value.kind = TomlValue::Kind::array;
      for (const toml::node& item : *node.as_array()) value.items.push_back(convert(item));
      break;
    case toml::node_type::table:
      value.kind = TomlValue::Kind::table;
      for (const auto& [key, item] : *node.as_table()) {
        value.entries.push_back(
            {std::string(key.str()), line_of(key.source()), column_of(key.source()), convert(item)});
      }
      // The library sorts by key.
      std::sort(value.entries.begin(), value.entries.end(), [](const TomlEntry& a, const TomlEntry& b) {
        return std::tie(a.line, a.column) < std::tie(b.line, b.column);
      });
      break;
    default:
      value.kind = TomlValue::Kind::date_time;
  }
  return value;
}

}  // namespace

const TomlEntry* TomlValue::find(std::string_view key) const {
  for (const TomlEntry& entry : entries) {
    if (entry.key == key) return &entry;
  }
  return nullptr;
}

std::string TomlValue::describe() const {
  switch (kind) {
    case Kind::boolean:
      return boolean ? "true" : "false";
    case Kind::integer:
      return fmt::format("{}", integer);
    case Kind::real:
      return fmt::format("the real number {}", real);
    case Kind::string:
      return text.size() <= 60 ? fmt::format("the string \"{}\"", text)
                               : fmt::format("a string of {} bytes", text.size());
    case Kind::date_time:
      return "a date or time";
    case Kind::array:
      return fmt::format("an array of {}", items.size());
    case Kind::table:
      return "a table";
  }
  return {};
}

TomlValue parse_toml(std::string_view toml, const std::string& file_name) {
  try {
    const toml::table table = toml::parse(toml, file_name);
    return convert(table);
  } catch (const toml::parse_error& error) {
    throw InputError(fmt::format("{}:{}:{}: syntax error: {}", file_name, line_of(error.source()),
                                 column_of(error.source()), error.description()));
  }
}

}  // namespace fovea
