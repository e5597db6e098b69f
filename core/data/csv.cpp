// SPDX-License-Identifier: Apache-2.0
#include "core/data/csv.h"

#include <fmt/format.h>

#include <cstdint>

#include "core/support/error.h"

namespace fovea {
namespace {

class CsvReader {
 public:
  CsvReader(const std::string& path, std::string_view text) : path_(path), text_(text) {}

  std::vector<CsvRow> rows() {
    std::vector<CsvRow> rows;
    while (at_ < text_.size()) {
      CsvRow row{{}, line_};
      do row.fields.push_back(field());
      while (take(','));
      end_of_line();
      if (row.fields.size() > 1 || !row.fields[0].empty()) rows.push_back(std::move(row));
    }
    return rows;
  }

 private:
  void check(bool ok, const char* what) const {
    require(ok, [&] { return fmt::format("{}:{}: {}", path_, line_, what); });
  }
  bool take(char c) {
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void end_of_line() {
    take('\r');
    check(at_ == text_.size() || text_[at_] == '\n', "expected a comma or the end of the line after a field");
    if (take('\n')) ++line_;
  }
  std::string field() {
    std::string value;
    if (!take('"')) {
      while (at_ < text_.size() && text_[at_] != ',' && text_[at_] != '\n' && !at_line_end()) {
        check(text_[at_] != '"', "a quote inside of a field that does not start with one");
        check(text_[at_] != '\0', "a zero byte: not a text file");
        value += text_[at_++];
      }
      return value;
    }
    for (;; ++at_) {
      check(at_ < text_.size(), "the quoted field does not end");
      if (text_[at_] == '"') {
        ++at_;
        if (at_ == text_.size() || text_[at_] != '"') return value;
      }
      check(text_[at_] != '\0', "a zero byte: not a text file");
      if (text_[at_] == '\n') ++line_;
      value += text_[at_];
    }
  }
  bool at_line_end() const { return text_[at_] == '\r' && (at_ + 1 == text_.size() || text_[at_ + 1] == '\n'); }

  const std::string& path_;
  std::string_view text_;
  std::size_t at_ = 0;
  std::int64_t line_ = 1;
};

}  // namespace

std::vector<CsvRow> parse_csv(const std::string& path, std::string_view text) { return CsvReader(path, text).rows(); }

}  // namespace fovea
