// SPDX-License-Identifier: Apache-2.0
//
// A recipe: values for the options of a command as a flat TOML file, one `name = value` a line, so that a training that
// is worth repeating can be kept and given away.
#pragma once
#include <string>
#include <vector>

namespace fovea::cli {

enum class ValueKind { text, texts, integer, real, flag };

struct RecipeKey {
  std::string name;  // "weight-decay"
  ValueKind kind = ValueKind::text;
};

struct RecipeValue {
  std::string name;
  // As they would stand on the command line; "true" or "false" of a flag. More than one of an option that may be repeated.
  std::vector<std::string> texts;
  std::string place;  // "FILE:LINE:COLUMN", for messages
};

// The values of the file, in the order of `keys`. Throws InputError: a file that cannot be read; "FILE:LINE:COLUMN: ..."
// a line for each syntax error, unknown key (with a did-you-mean) and value of another type.
std::vector<RecipeValue> read_recipe(const std::string& path, const std::vector<RecipeKey>& keys);

}  // namespace fovea::cli
