// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdio>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "core/tensor/shape.h"

namespace fovea::cli {

using Json = nlohmann::ordered_json;

// Where a command's words go. People's text goes to stdout; with --json, stdout gets exactly one JSON object and the
// text goes to stderr. --quiet drops what say() is given.
class Output {
 public:
  Output(bool json, bool quiet) : json_(json), quiet_(quiet) {}

  // Explanations and progress.
  void say(std::string_view line);
  // What the command was run for; printed also with --quiet, but with --json --quiet only as JSON.
  void result(std::string_view line);
  // The one object; does nothing without --json.
  void object(const Json& object);
  // A failure, on stderr; with --json and no object printed yet, also {"error": message} on stdout.
  void error(std::string_view message);

  bool json() const { return json_; }
  bool quiet() const { return quiet_; }
  std::FILE* text_stream() const { return json_ ? stderr : stdout; }

 private:
  bool json_, quiet_;
  bool object_printed_ = false;
};

// Lines with aligned columns: the first `left` columns to the left, the others to the right.
std::vector<std::string> aligned(const std::vector<std::vector<std::string>>& rows, std::size_t left);
// 1234567 -> "1,234,567"
std::string grouped(std::int64_t value);
// Three digits below 100 us.
std::string microseconds(double seconds);
// The extents, [64, 3, 32, 32].
Json shape_json(const Shape& shape);
// 1536 -> "1.5 KiB"
std::string bytes_text(std::size_t bytes);
// 0.98765 -> "98.8 %"
std::string percent(double fraction);

}  // namespace fovea::cli
