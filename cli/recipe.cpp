// SPDX-License-Identifier: Apache-2.0
#include "cli/recipe.h"

#include <fmt/core.h>

#include <optional>

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
    case ValueKind::texts:
      return "a list of strings";
    case ValueKind::integer:
      return "a whole number";
    case ValueKind::real:
      return "a number";
    case ValueKind::flag:
      return "true or false";
  }
  return "";
}

// As an option would read it; nothing when the value is of another kind.
std::optional<std::string> to_text(const TomlValue& value, ValueKind kind) {
  using Kind = TomlValue::Kind;
  if (kind == ValueKind::text && value.kind == Kind::string) return value.text;
  if ((kind == ValueKind::integer || kind == ValueKind::real) && value.kind == Kind::integer)
    return fmt::format("{}", value.integer);
  if (kind == ValueKind::real && value.kind == Kind::real) return fmt::format("{}", value.real);
  if (kind == ValueKind::flag && value.kind == Kind::boolean) return value.boolean ? "true" : "false";
  return std::nullopt;
}

// One text, or those of a list; nothing when the value is of another kind.
std::optional<std::vector<std::string>> to_texts(const TomlValue& value, ValueKind kind) {
  std::vector<std::string> texts;
  if (kind != ValueKind::texts) {
    const std::optional<std::string> text = to_text(value, kind);
    return text ? std::optional(std::vector{*text}) : std::nullopt;
  }
  if (value.kind != TomlValue::Kind::array) return std::nullopt;
  for (const TomlValue& item : value.items) {
    const std::optional<std::string> text = to_text(item, ValueKind::text);
    if (!text) return std::nullopt;
    texts.push_back(*text);
  }
  return texts;
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
    if (std::optional<std::vector<std::string>> texts = to_texts(*value, key.kind)) {
      values.push_back({key.name, std::move(*texts), fmt::format("{}:{}:{}", path, value->line, value->column)});
    } else {
      reader.wrong(key.name, *value, expected(key.kind));
    }
  }
  reader.finish();
  faults.throw_if_any();
  return values;
}

}  // namespace fovea::cli
