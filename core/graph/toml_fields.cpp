// SPDX-License-Identifier: Apache-2.0
#include "core/graph/toml_fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <tuple>

#include "core/support/did_you_mean.h"
#include "core/support/error.h"

namespace fovea {
namespace {

// The number in the range that `value` is, or nothing.
std::optional<double> real(const TomlValue& value, RealRange range) {
  double number = 0;
  if (value.kind == TomlValue::Kind::integer) {
    number = static_cast<double>(value.integer);
  } else if (value.kind == TomlValue::Kind::real) {
    number = value.real;
  } else {
    return std::nullopt;
  }
  const bool above = range.low_open ? number > range.low : number >= range.low;
  const bool below = range.high_open ? number < range.high : number <= range.high;
  if (!std::isfinite(number) || !above || !below) return std::nullopt;
  return number;
}

bool contains(const std::vector<std::string>& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

// The shortest digits that read back exactly, as TOML writes a number that is not whole.
std::string number(double value) {
  std::string text = fmt::format("{}", value);
  if (text.find_first_not_of("-0123456789") == std::string::npos) text += ".0";
  return text;
}

std::string quoted_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\u{:04X}", byte);
    } else {
      out += c;
    }
  }
  return out + '"';
}

}  // namespace

std::string range_text(IntRange range) {
  constexpr IntRange whole_int32;
  if (range.low == whole_int32.low && range.high == whole_int32.high) return "a whole number of 32 bits";
  return fmt::format("a whole number from {} to {}", range.low, range.high);
}

std::string range_text(RealRange range) {
  constexpr RealRange any;
  const bool low = range.low != any.low, high = range.high != any.high;
  std::string text = "a finite number";
  if (low) text += fmt::format(" {} {}", range.low_open ? "above" : "of at least", range.low);
  if (high) text += fmt::format("{} {} {}", low ? " and" : "", range.high_open ? "below" : "at most", range.high);
  return text;
}

void NetFaults::add(int line, int column, const std::string& where, const std::string& what) {
  faults_.push_back({line, column, where.empty() ? what : where + ": " + what});
}

void NetFaults::throw_if_any() const {
  if (faults_.empty()) return;
  std::vector<Fault> sorted = faults_;
  std::stable_sort(sorted.begin(), sorted.end(), [](const Fault& a, const Fault& b) {
    return std::tie(a.line, a.column) < std::tie(b.line, b.column);
  });
  std::string text;
  for (const Fault& fault : sorted) {
    if (!text.empty()) text += '\n';
    const std::string place = fault.line > 0 ? fmt::format(":{}:{}", fault.line, fault.column) : "";
    text += fmt::format("{}{}: {}", file_name_, place, fault.text);
  }
  throw InputError(text);
}

const TomlValue* TomlReader::get(std::string_view key, Presence presence, const std::string& expected) {
  accept(key);
  const TomlEntry* entry = table_.find(key);
  if (entry != nullptr) return &entry->value;
  if (presence == Presence::required) missing_.emplace_back(key, expected);
  return nullptr;
}

void TomlReader::wrong(std::string_view key, const TomlValue& value, const std::string& expected) {
  fault(value, fmt::format("key '{}': expected {}, got {}", key, expected, value.describe()));
}

bool TomlReader::whole(const TomlValue& value, IntRange range) const {
  return value.kind == TomlValue::Kind::integer && value.integer >= range.low && value.integer <= range.high;
}

void TomlReader::field(std::string_view key, std::int64_t& value, Presence presence, IntRange range) {
  const TomlValue* found = get(key, presence, range_text(range));
  if (found == nullptr) return;
  if (!whole(*found, range)) return wrong(key, *found, range_text(range));
  value = found->integer;
}

bool TomlReader::extents(std::string_view key, std::vector<std::int64_t>& out, Presence presence, IntRange range,
                         std::string_view forms, bool four) {
  const std::string expected = fmt::format("{} or {}", range_text(range), forms);
  const TomlValue* found = get(key, presence, expected);
  if (found == nullptr) return false;
  if (found->kind != TomlValue::Kind::array) {
    if (!whole(*found, range)) return wrong(key, *found, expected), false;
    out = {found->integer};
    return true;
  }
  const std::size_t n = found->items.size();
  if (n != 2 && !(four && n == 4)) return wrong(key, *found, expected), false;
  for (const TomlValue& item : found->items) {
    if (!whole(item, range)) return wrong(key, item, expected), false;
    out.push_back(item.integer);
  }
  return true;
}

void TomlReader::field(std::string_view key, Size2& value, Presence presence, IntRange range) {
  std::vector<std::int64_t> e;
  if (!extents(key, e, presence, range, range.pair, false)) return;
  value = e.size() == 1 ? Size2(e[0]) : Size2(e[0], e[1]);
}

void TomlReader::field(std::string_view key, Padding2& value, Presence presence, IntRange range) {
  std::vector<std::int64_t> e;
  if (!extents(key, e, presence, range, "[vertical, horizontal] or [top, left, bottom, right]", true)) return;
  value = e.size() == 1 ? Padding2(e[0]) : e.size() == 2 ? Padding2(e[0], e[1]) : Padding2(e[0], e[1], e[2], e[3]);
}

void TomlReader::field(std::string_view key, bool& value, Presence presence) {
  const TomlValue* found = get(key, presence, "true or false");
  if (found == nullptr) return;
  if (found->kind != TomlValue::Kind::boolean) return wrong(key, *found, "true or false");
  value = found->boolean;
}

void TomlReader::field(std::string_view key, double& value, Presence presence, RealRange range) {
  const std::string expected = range_text(range);
  const TomlValue* found = get(key, presence, expected);
  if (found == nullptr) return;
  const std::optional<double> number = real(*found, range);
  if (!number) return wrong(key, *found, expected);
  value = *number;
}

void TomlReader::field(std::string_view key, std::vector<double>& values, Presence presence, RealRange range) {
  const std::string expected = "an array, each element " + range_text(range);
  const TomlValue* found = get(key, presence, expected);
  if (found == nullptr) return;
  if (found->kind != TomlValue::Kind::array || found->items.empty()) return wrong(key, *found, expected);
  std::vector<double> read;
  for (const TomlValue& item : found->items) {
    const std::optional<double> number = real(item, range);
    if (!number) return wrong(key, item, expected);
    read.push_back(*number);
  }
  values = std::move(read);
}

void TomlReader::field(std::string_view key, std::vector<std::int64_t>& values, Presence presence, IntRange range) {
  integers(key, values, presence, range);
}

void TomlReader::field(std::string_view key, std::string& value, Presence presence) {
  const TomlValue* found = get(key, presence, "a string");
  if (found == nullptr) return;
  if (found->kind != TomlValue::Kind::string) return wrong(key, *found, "a string");
  value = found->text;
}

void TomlReader::field(std::string_view key, std::string& value, Presence presence,
                       std::span<const std::string_view> words) {
  const std::string expected = fmt::format("one of \"{}\"", fmt::join(words, "\", \""));
  const TomlValue* found = get(key, presence, expected);
  if (found == nullptr) return;
  const bool is_text = found->kind == TomlValue::Kind::string;
  if (!is_text || std::ranges::find(words, found->text) == words.end()) {
    const std::string hint = is_text ? did_you_mean(found->text, {words.begin(), words.end()}) : "";
    return fault(*found, fmt::format("key '{}': expected {}, got {}{}", key, expected, found->describe(), hint));
  }
  value = found->text;
}

bool TomlReader::strings(std::string_view key, std::vector<std::string>& value, Presence presence) {
  const std::string expected = "an array of strings";
  const TomlValue* found = get(key, presence, expected);
  if (found == nullptr) return false;
  if (found->kind == TomlValue::Kind::string) {
    value = {found->text};
    return true;
  }
  if (found->kind != TomlValue::Kind::array || found->items.empty()) return wrong(key, *found, expected), false;
  std::vector<std::string> read;
  for (const TomlValue& item : found->items) {
    if (item.kind != TomlValue::Kind::string) return wrong(key, item, expected), false;
    read.push_back(item.text);
  }
  value = std::move(read);
  return true;
}

bool TomlReader::integers(std::string_view key, std::vector<std::int64_t>& value, Presence presence, IntRange range) {
  const std::string expected = "an array, each element " + range_text(range);
  const TomlValue* found = get(key, presence, expected);
  if (found == nullptr) return false;
  if (found->kind != TomlValue::Kind::array || found->items.empty()) return wrong(key, *found, expected), false;
  std::vector<std::int64_t> read;
  for (const TomlValue& item : found->items) {
    if (!whole(item, range)) return wrong(key, item, expected), false;
    read.push_back(item.integer);
  }
  value = std::move(read);
  return true;
}

void TomlReader::finish() {
  std::vector<std::string> unused;
  for (const std::string& key : known_) {
    if (table_.find(key) == nullptr) unused.push_back(key);
  }
  std::vector<std::string> suggested;
  for (const TomlEntry& entry : table_.entries) {
    if (contains(known_, entry.key)) continue;
    const std::string match = closest_match(entry.key, unused);
    if (!match.empty()) suggested.push_back(match);
    std::string hint = did_you_mean(entry.key, unused);
    if (hint.empty()) hint = fmt::format("; expected one of {}", fmt::join(known_, ", "));
    faults_.add(entry.line, entry.column, where_, fmt::format("unknown key '{}'{}", entry.key, hint));
  }
  // A misspelt key is one mistake, not two.
  for (const auto& [key, expected] : missing_) {
    if (contains(suggested, key)) continue;
    faults_.add(table_.line, table_.column, where_, fmt::format("missing key '{}': expected {}", key, expected));
  }
}

void TomlWriter::line(std::string_view text) { text_ += fmt::format("{}\n", text); }

void TomlWriter::field(std::string_view key, std::int64_t& value, Presence, IntRange) {
  line(fmt::format("{} = {}", key, value));
}

void TomlWriter::field(std::string_view key, Size2& value, Presence, IntRange) {
  if (value.h == value.w) return line(fmt::format("{} = {}", key, value.h));
  line(fmt::format("{} = [{}, {}]", key, value.h, value.w));
}

void TomlWriter::field(std::string_view key, Padding2& value, Presence, IntRange) {
  if (value == Padding2(value.top)) return line(fmt::format("{} = {}", key, value.top));
  if (value == Padding2(value.top, value.left)) return line(fmt::format("{} = [{}, {}]", key, value.top, value.left));
  line(fmt::format("{} = [{}, {}, {}, {}]", key, value.top, value.left, value.bottom, value.right));
}

void TomlWriter::field(std::string_view key, bool& value, Presence) { line(fmt::format("{} = {}", key, value)); }

void TomlWriter::field(std::string_view key, double& value, Presence, RealRange) {
  line(fmt::format("{} = {}", key, number(value)));
}

void TomlWriter::field(std::string_view key, std::vector<double>& values, Presence, RealRange) {
  if (values.empty()) return;  // no array is the default of every option that is one
  std::vector<std::string> numbers;
  for (const double value : values) numbers.push_back(number(value));
  line(fmt::format("{} = [{}]", key, fmt::join(numbers, ", ")));
}

void TomlWriter::field(std::string_view key, std::vector<std::int64_t>& values, Presence, IntRange) {
  if (!values.empty()) integers(key, values);
}

void TomlWriter::field(std::string_view key, std::string& value, Presence) {
  line(fmt::format("{} = {}", key, quoted_text(value)));
}

void TomlWriter::field(std::string_view key, std::string& value, Presence presence, std::span<const std::string_view>) {
  field(key, value, presence);
}

void TomlWriter::strings(std::string_view key, const std::vector<std::string>& value) {
  std::string list;
  for (const std::string& item : value) list += (list.empty() ? "" : ", ") + quoted_text(item);
  line(fmt::format("{} = [{}]", key, list));
}

void TomlWriter::integers(std::string_view key, const std::vector<std::int64_t>& value) {
  line(fmt::format("{} = [{}]", key, fmt::join(value, ", ")));
}

}  // namespace fovea
