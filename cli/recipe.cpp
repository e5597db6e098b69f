// SPDX-License-Identifier: Apache-2.0
#include "cli/recipe.h"

#include <fmt/core.h>

#include "core/graph/toml_fields.h"
#include "core/io/file.h"
#include "core/support/error.h"

namespace fovea::cli {
namespace {

constexpr std::uint64_t largest_file = std::uint64_t{1} << 20;

std::string read_text(const std::string& path) {
  InputFile file(path);
  require(file.size() <= largest_file, [&] {
    return fmt::format("{}: not a recipe: expected at most {} bytes, got {}", path, largest_file, file.size());
  });
  std::string text(static_cast<std::size_t>(file.size()), '\0');
  file.read(std::as_writable_bytes(std::span(text)));
  return text;
}

const char* expected(ValueKind kind) {
  switch (kind) {
    case ValueKind::text:
      return "a string";
    case ValueKind::integer:
      return "a whole number";
    case ValueKind::real:
      return "a number";
    case ValueKind::flag:
      return "true or false";
  }
  return "";
}

// As an option would read it; false when the value is of another kind.
bool to_text(const TomlValue& value, ValueKind kind, std::string& text) {
  using Kind = TomlValue::Kind;
  if (kind == ValueKind::text && value.kind == Kind::string) {
    text = value.text;
  } else if ((kind == ValueKind::integer || kind == ValueKind::real) && value.kind == Kind::integer) {
    text = fmt::format("{}", value.integer);
  } else if (kind == ValueKind::real && value.kind == Kind::real) {
    text = fmt::format("{}", value.real);
  } else if (kind == ValueKind::flag && value.kind == Kind::boolean) {
    text = value.boolean ? "true" : "false";
  } else {
    return false;
  }
  return true;
}

}  // namespace

std::vector<RecipeValue> read_recipe(const std::string& path, const std::vector<RecipeKey>& keys) {
  const TomlValue root = parse_toml(read_text(path), path);
  NetFaults faults(path);
  TomlReader reader(root, "", faults);
  std::vector<RecipeValue> values;
  for (const RecipeKey& key : keys) {
    const TomlValue* value = reader.get(key.name, Presence::optional, expected(key.kind));
    if (value == nullptr) continue;
    std::string text;
    if (to_text(*value, key.kind, text)) {
      values.push_back({key.name, text, fmt::format("{}:{}:{}", path, value->line, value->column)});
    } else {
      reader.wrong(key.name, *value, expected(key.kind));
    }
  }
  reader.finish();
  faults.throw_if_any();
  return values;
}

}  // namespace fovea::cli
