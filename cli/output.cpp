// SPDX-License-Identifier: Apache-2.0
#include "cli/output.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace fovea::cli {
namespace {

void print_line(std::FILE* stream, std::string_view line) {
  const std::string text = fmt::format("{}\n", line);
  std::fwrite(text.data(), 1, text.size(), stream);
  std::fflush(stream);
}

// Text from files may hold bytes that are not UTF-8; they become U+FFFD. NaN and infinity become null.
std::string dump(const Json& object) { return object.dump(-1, ' ', false, Json::error_handler_t::replace); }

// Columns are characters, not bytes.
std::size_t width(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

}  // namespace

void Output::say(std::string_view line) {
  if (!quiet_) print_line(text_stream(), line);
}

void Output::result(std::string_view line) {
  if (!json_ || !quiet_) print_line(text_stream(), line);
}

void Output::object(const Json& object) {
  if (!json_) return;
  print_line(stdout, dump(object));
  object_printed_ = true;
}

void Output::error(std::string_view message) {
  print_line(stderr, fmt::format("fovea: {}", message));
  if (json_ && !object_printed_) object(Json{{"error", std::string(message)}});
}

std::vector<std::string> aligned(const std::vector<std::vector<std::string>>& rows, std::size_t left) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], width(row[c]));
  }
  std::vector<std::string> lines;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t c = 0; c < row.size(); ++c) {
      const std::string space(widths[c] - width(row[c]), ' ');
      if (c > 0) line += "  ";
      line += c < left ? row[c] + space : space + row[c];
    }
    line.erase(line.find_last_not_of(' ') + 1);
    lines.push_back(line);
  }
  return lines;
}

std::string grouped(std::int64_t value) {
  std::string digits = fmt::format("{}", value);
  const std::int64_t first = value < 0 ? 1 : 0;
  for (std::int64_t i = static_cast<std::int64_t>(digits.size()) - 3; i > first; i -= 3) {
    digits.insert(static_cast<std::size_t>(i), ",");
  }
  return digits;
}

std::string microseconds(double seconds) {
  const double value = 1e6 * seconds;
  return value < 100 ? fmt::format("{:.3g}", value) : grouped(std::llround(value));
}

Json shape_json(const Shape& shape) {
  return std::vector<std::int64_t>(shape.extents().begin(), shape.extents().end());
}

std::string bytes_text(std::size_t bytes) {
  if (bytes < 1024) return fmt::format("{} B", bytes);
  const char* units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  double value = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  for (; value >= 1023.95 && unit < 5; ++unit) value /= 1024;
  return fmt::format("{:.1f} {}", value, units[unit]);
}

std::string percent(double fraction) { return fmt::format("{:.1f} %", 100 * fraction); }

}  // namespace fovea::cli
