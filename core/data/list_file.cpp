// SPDX-License-Identifier: Apache-2.0
#include "core/data/list_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>

#include "core/data/csv.h"
#include "core/data/file_dataset.h"
#include "core/data/memory_dataset.h"
#include "core/io/file.h"
#include "core/support/did_you_mean.h"
#include "core/support/error.h"

namespace fovea {
namespace {

constexpr std::int32_t most_classes = 65536;

// A whole number as a program writes it, without sign or leading zeros; -1 for anything else.
std::int64_t whole_number(const std::string& text) {
  std::int64_t value = -1;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return std::to_string(value) == text ? value : -1;
}

void check_rows(const std::string& path, const std::vector<CsvRow>& rows) {
  require(!rows.empty(), [&] { return fmt::format("{}: expected lines of path,label[,split], got none", path); });
  for (const CsvRow& row : rows) {
    const auto check = [&](bool ok, const std::string& what) {
      require(ok, [&] { return fmt::format("{}:{}: {}", path, row.line, what); });
    };
    check(row.fields.size() == rows[0].fields.size() && (row.fields.size() == 2 || row.fields.size() == 3),
          fmt::format("expected path,label or path,label,split, the same in every line, got {} fields",
                      row.fields.size()));
    check(!row.fields[0].empty(), "the path is empty");
    check(!row.fields[1].empty(), "the label is empty");
    if (row.fields.size() == 3) {
      check(row.fields[2] == "train" || row.fields[2] == "test",
            fmt::format("the split is '{}'; expected train or test{}", row.fields[2],
                        did_you_mean(row.fields[2], {"train", "test"})));
    }
  }
}

std::vector<std::string> class_names(const std::string& path, const std::vector<CsvRow>& rows) {
  std::vector<std::string> names;
  std::int64_t most = -1;
  bool numbers = true;
  for (const CsvRow& row : rows) {
    names.push_back(row.fields[1]);
    const std::int64_t number = whole_number(row.fields[1]);
    numbers = numbers && number >= 0;
    most = std::max(most, number);
  }
  std::ranges::sort(names);
  names.erase(std::unique(names.begin(), names.end()), names.end());
  if (!numbers) return names;
  require(most < most_classes, [&] {
    return fmt::format("{}: label {} is too large a number for a class; expected less than {}", path, most,
                       most_classes);
  });
  // A number that no line has would be a class that nothing can be learnt of.
  require(static_cast<std::int64_t>(names.size()) == most + 1, [&] {
    return fmt::format(
        "{}: labels are numbers up to {}, but only {} different ones: expected every number from 0 on "
        "(names may be anything else)",
        path, most, names.size());
  });
  return numbered_classes(most + 1);
}

}  // namespace

DataSplits open_list(const std::string& path, const DataOptions& options) {
  const Shape size = required_size("list", path, options);
  const std::vector<std::byte> bytes = read_file(path);
  std::vector<CsvRow> rows = parse_csv(path, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  if (!rows.empty() && rows[0].fields.size() >= 2 && rows[0].fields[0] == "path" && rows[0].fields[1] == "label") {
    require(rows[0].fields.size() == 2 || (rows[0].fields.size() == 3 && rows[0].fields[2] == "split"),
            [&] { return fmt::format("{}:1: expected the names path,label or path,label,split", path); });
    const std::size_t fields = rows[0].fields.size();
    rows.erase(rows.begin());
    require(rows.empty() || rows[0].fields.size() == fields, [&] {
      return fmt::format("{}:{}: expected {} fields, as the first line says", path, rows[0].line, fields);
    });
  }
  check_rows(path, rows);
  const bool split = rows[0].fields.size() == 3;
  require(!split || !options.holdout, [&] {
    return fmt::format("list:{}: holdout is for lists that are not split; this one names the split of each image",
                       path);
  });
  const std::vector<std::string> names = class_names(path, rows);
  std::map<std::string, std::int32_t> numbers;
  for (const std::string& name : names) numbers.emplace(name, static_cast<std::int32_t>(numbers.size()));
  const std::size_t slash = path.rfind('/');
  const std::string directory = slash == std::string::npos ? std::string() : path.substr(0, slash + 1);

  DataSplits splits;
  std::vector<ImageFile> train, test;
  std::vector<std::string> missing;
  for (const CsvRow& row : rows) {
    const std::string& name = row.fields[0];
    const std::string file = name[0] == '/' ? name : directory + name;
    if (!file_exists(file)) {
      missing.push_back(fmt::format("{}:{}: there is no file {}", path, row.line, file));
      continue;
    }
    (split && row.fields[2] == "test" ? test : train).push_back({file, numbers.at(row.fields[1])});
  }
  report_strays("list:" + path, missing, options, splits.notes);
  if (!split) {
    split_files("list:" + path, train, names, size, options, splits);
    return splits;
  }
  require(!train.empty() && !test.empty(), [&] {
    return fmt::format("{}: expected images in both splits, got {} for training and {} for testing", path, train.size(),
                       test.size());
  });
  const ImageFit fit = options.fit.value_or(ImageFit::crop);
  splits.train = std::make_unique<FileDataset>(std::move(train), names, size, fit);
  splits.test = std::make_unique<FileDataset>(std::move(test), names, size, fit);
  return splits;
}

}  // namespace fovea
