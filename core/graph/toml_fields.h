// SPDX-License-Identifier: Apache-2.0
//
// Option fields (core/ops/fields.h) read from and written to TOML tables.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/graph/toml_document.h"
#include "core/ops/fields.h"

namespace fovea {

// What a value must be, for messages: "a whole number from 1 to 9", "a finite number above 0".
std::string range_text(IntRange range);
std::string range_text(RealRange range);

// Everything wrong with one file, in any order; thrown as one InputError, a line each, in the order of the file.
class NetFaults {
 public:
  explicit NetFaults(std::string file_name) : file_name_(std::move(file_name)) {}
  // `where` is "layer 'conv1'" or empty. Line 0: the place is not known (JSON).
  void add(int line, int column, const std::string& where, const std::string& what);
  std::size_t count() const { return faults_.size(); }
  void throw_if_any() const;

 private:
  struct Fault {
    int line, column;
    std::string text;
  };
  std::string file_name_;
  std::vector<Fault> faults_;
};

// Reads a table's fields and collects faults; a faulty field keeps its value. finish() reports the keys that are
// missing and those that nobody asked for.
class TomlReader final : public FieldVisitor {
 public:
  TomlReader(const TomlValue& table, std::string where, NetFaults& faults)
      : table_(table), where_(std::move(where)), faults_(faults) {}

  void field(std::string_view key, std::int64_t& value, Presence presence, IntRange range) override;
  void field(std::string_view key, Size2& value, Presence presence, IntRange range) override;
  void field(std::string_view key, Padding2& value, Presence presence, IntRange range) override;
  void field(std::string_view key, bool& value, Presence presence) override;
  void field(std::string_view key, double& value, Presence presence, RealRange range) override;
  void field(std::string_view key, std::vector<double>& values, Presence presence, RealRange range) override;
  void field(std::string_view key, std::vector<std::int64_t>& values, Presence presence, IntRange range) override;
  void field(std::string_view key, std::string& value, Presence presence) override;
  void field(std::string_view key, std::string& value, Presence presence,
             std::span<const std::string_view> words) override;
  // An array of strings; one string stands for an array of one. False when absent or faulty.
  bool strings(std::string_view key, std::vector<std::string>& value, Presence presence);
  // An array of whole numbers. False when absent or faulty.
  bool integers(std::string_view key, std::vector<std::int64_t>& value, Presence presence, IntRange range);

  // Declares a key that is read elsewhere.
  void accept(std::string_view key) { known_.emplace_back(key); }
  // The value of `key`, or null and, when required, a fault that names what was expected.
  const TomlValue* get(std::string_view key, Presence presence, const std::string& expected);
  void fault(const TomlValue& at, const std::string& what) { faults_.add(at.line, at.column, where_, what); }
  void wrong(std::string_view key, const TomlValue& value, const std::string& expected);
  void set_where(std::string where) { where_ = std::move(where); }
  void finish();

 private:
  bool whole(const TomlValue& value, IntRange range) const;
  // Reads value or [a, b, ...] with one of the allowed counts.
  bool extents(std::string_view key, std::vector<std::int64_t>& out, Presence presence, IntRange range,
               std::string_view forms, bool four);

  const TomlValue& table_;
  std::string where_;
  NetFaults& faults_;
  std::vector<std::string> known_;
  std::vector<std::pair<std::string, std::string>> missing_;  // key, what was expected
};

// Writes `key = value` lines.
class TomlWriter final : public FieldVisitor {
 public:
  void field(std::string_view key, std::int64_t& value, Presence, IntRange) override;
  void field(std::string_view key, Size2& value, Presence, IntRange) override;
  void field(std::string_view key, Padding2& value, Presence, IntRange) override;
  void field(std::string_view key, bool& value, Presence) override;
  void field(std::string_view key, double& value, Presence, RealRange) override;
  void field(std::string_view key, std::vector<double>& values, Presence, RealRange) override;
  void field(std::string_view key, std::vector<std::int64_t>& values, Presence, IntRange) override;
  void field(std::string_view key, std::string& value, Presence) override;
  void field(std::string_view key, std::string& value, Presence, std::span<const std::string_view>) override;
  void strings(std::string_view key, const std::vector<std::string>& value);
  void integers(std::string_view key, const std::vector<std::int64_t>& value);
  void line(std::string_view text);

  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace fovea
