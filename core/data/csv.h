// SPDX-License-Identifier: Apache-2.0
//
// Comma-separated values as RFC 4180 has them: fields may stand in double quotes, which then may hold commas, line breaks
// and doubled quotes. Lines end in LF or CRLF.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fovea {

struct CsvRow {
  std::vector<std::string> fields;
  std::int64_t line = 0;  // where the row starts, from 1
};

// Rows without any character are left out. Throws InputError that starts with "PATH:LINE: ": a quote inside of an unquoted
// field, text behind a closing quote, a quote that does not close, a zero byte.
std::vector<CsvRow> parse_csv(const std::string& path, std::string_view text);

}  // namespace fovea
