// SPDX-License-Identifier: Apache-2.0
//
// A TOML document as a plain tree with positions. The one file that includes the TOML library is toml_document.cpp.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fovea {

struct TomlEntry;

struct TomlValue {
  enum class Kind { boolean, integer, real, string, date_time, array, table };
  Kind kind = Kind::table;
  int line = 0, column = 0;  // from 1; columns count characters; 0: not known
  bool boolean = false;
  std::int64_t integer = 0;
  double real = 0;
  std::string text;
  std::vector<TomlValue> items;    // array
  std::vector<TomlEntry> entries;  // table, in the order of the file

  const TomlEntry* find(std::string_view key) const;
  // For "got ...": "the string \"5\"", "-3", "an array of 2".
  std::string describe() const;
};

struct TomlEntry {
  std::string key;
  int line = 0, column = 0;  // of the key
  TomlValue value;
};

// Throws InputError "FILE:LINE:COLUMN: syntax error: ...".
TomlValue parse_toml(std::string_view toml, const std::string& file_name);

}  // namespace fovea
