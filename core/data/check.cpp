// SPDX-License-Identifier: Apache-2.0
#include "core/data/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <map>

#include "core/support/error.h"
#include "core/support/parallel.h"

namespace fovea {
namespace {

constexpr std::int64_t imbalance = 10;  // the largest class has so many times the samples of the smallest

// Finds candidates only; equal hashes are compared byte by byte.
std::uint64_t hash_of(std::span<const std::uint8_t> bytes) {
  std::uint64_t hash = bytes.size();
  for (std::size_t i = 0; i < bytes.size(); i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + i, std::min<std::size_t>(8, bytes.size() - i));
    hash = std::rotl((hash ^ word) * 0x9E3779B97F4A7C15u, 29);
  }
  return hash;
}

struct Sample {
  const Dataset* data = nullptr;
  SampleName name;
  std::uint64_t hash = 0;
  std::string error;
};

std::vector<Sample> read_split(const Dataset& data, const std::string& split) {
  std::vector<Sample> samples(static_cast<std::size_t>(data.size()));
  const auto bytes = static_cast<std::size_t>(data.sample_shape().elements());
  const auto labels = static_cast<std::size_t>(data.label_shape().elements());
  parallel_ranges(data.size(), 1, [&](std::int64_t begin, std::int64_t end) {
    std::vector<std::uint8_t> pixels(bytes);
    std::vector<std::int32_t> label(labels);
    for (std::int64_t i = begin; i < end; ++i) {
      Sample& sample = samples[static_cast<std::size_t>(i)];
      sample.data = &data;
      sample.name = {split, i, 0, data.file(i)};
      try {
        data.read_labels(i, pixels, label);
        for (const std::int32_t l : label) {
          require(l >= 0 && l < data.classes(), [&] {
            return fmt::format("sample {}: the label is {}; expected a class below {}", i, l, data.classes());
          });
        }
        sample.name.label = label[0];
        sample.hash = hash_of(pixels);
      } catch (const InputError& error) {
        sample.error = error.what();
      }
    }
  });
  return samples;
}

std::vector<std::uint8_t> pixels_of(const Sample& sample) {
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(sample.data->sample_shape().elements()));
  sample.data->read(sample.name.index, pixels);
  return pixels;
}

// Groups of samples with the same bytes, in the order of their first samples.
std::vector<std::vector<const Sample*>> equal_pixels(const std::vector<const Sample*>& candidates) {
  std::vector<std::vector<const Sample*>> groups;
  std::vector<std::vector<std::uint8_t>> pixels;
  for (const Sample* sample : candidates) {
    std::vector<std::uint8_t> own = pixels_of(*sample);
    const auto same = std::ranges::find_if(pixels, [&](const auto& other) { return std::ranges::equal(other, own); });
    if (same != pixels.end()) {
      groups[static_cast<std::size_t>(same - pixels.begin())].push_back(sample);
    } else {
      groups.push_back({sample});
      pixels.push_back(std::move(own));
    }
  }
  return groups;
}

Duplicates duplicates_of(const std::vector<const Sample*>& group) {
  Duplicates duplicates;
  const bool classes = group[0]->data->label_shape().rank() == 0;
  for (const Sample* sample : group) {
    duplicates.samples.push_back(sample->name);
    duplicates.across_classes |= classes && sample->name.label != group[0]->name.label;
    duplicates.across_splits |= sample->name.split != group[0]->name.split;
  }
  return duplicates;
}

std::vector<Duplicates> find_duplicates(const std::vector<Sample>& samples) {
  std::map<std::uint64_t, std::vector<const Sample*>> by_hash;
  for (const Sample& sample : samples) {
    if (sample.error.empty()) by_hash[sample.hash].push_back(&sample);
  }
  std::vector<std::vector<const Sample*>> groups;
  for (const auto& [hash, candidates] : by_hash) {
    if (candidates.size() < 2) continue;
    for (auto& same : equal_pixels(candidates)) {
      if (same.size() > 1) groups.push_back(std::move(same));
    }
  }
  std::ranges::sort(groups, {}, [](const auto& group) { return group[0]; });  // they lie in one array
  std::vector<Duplicates> duplicates;
  for (const auto& group : groups) duplicates.push_back(duplicates_of(group));
  return duplicates;
}

void judge_classes(const Dataset& data, const DataReport::Split& split, DataReport& report) {
  for (std::size_t c = 0; c < split.per_class.size(); ++c) {
    if (split.per_class[c] == 0) {
      report.problems.push_back(
          fmt::format("class '{}' has no samples in the {} split", data.class_names()[c], split.name));
    }
  }
  if (split.per_class.empty()) return;
  const auto [least, most] = std::ranges::minmax_element(split.per_class);
  if (*least > 0 && *most >= imbalance * *least) {
    const auto name = [&](auto c) { return data.class_names()[static_cast<std::size_t>(c - split.per_class.begin())]; };
    report.notes.push_back(fmt::format("unbalanced {} split: {} samples of '{}', {} of '{}'", split.name, *most,
                                       name(most), *least, name(least)));
  }
}

void judge_duplicates(DataReport& report) {
  std::int64_t classes = 0, splits = 0, others = 0;
  for (const Duplicates& d : report.duplicates) {
    classes += d.across_classes;
    splits += d.across_splits;
    others += !d.across_classes && !d.across_splits;
  }
  const auto add = [](std::vector<std::string>& list, std::int64_t count, const char* what) {
    if (count > 0)
      list.push_back(fmt::format("{} {} of equal samples {}", count, count == 1 ? "group" : "groups", what));
  };
  add(report.problems, classes, "across classes: at least one label is wrong");
  add(report.problems, splits, "across splits: the test split is not unseen");
  add(report.notes, others, "inside of a class and a split");
}

}  // namespace

DataReport check_data(const DataSplits& splits) {
  DataReport report;
  report.notes = splits.notes;
  std::vector<Sample> samples;
  for (const auto& [data, name] : {std::pair{splits.train.get(), "train"}, {splits.test.get(), "test"}}) {
    if (data == nullptr) continue;
    std::vector<Sample> read = read_split(*data, name);
    DataReport::Split split{name, data->size(), {}};
    if (data->label_shape().rank() == 0) split.per_class.resize(static_cast<std::size_t>(data->classes()));
    for (Sample& sample : read) {
      if (!sample.error.empty()) {
        report.unreadable.push_back(sample.error);
      } else if (!split.per_class.empty()) {
        ++split.per_class[static_cast<std::size_t>(sample.name.label)];
      }
      samples.push_back(std::move(sample));
    }
    judge_classes(*data, split, report);
    report.splits.push_back(std::move(split));
  }
  if (!report.unreadable.empty()) {
    report.problems.push_back(fmt::format("{} of {} samples cannot be read", report.unreadable.size(), samples.size()));
  }
  report.duplicates = find_duplicates(samples);
  judge_duplicates(report);
  const bool readable = std::ranges::any_of(
      samples, [&](const Sample& sample) { return sample.data == splits.train.get() && sample.error.empty(); });
  if (readable) report.normalization = measure_normalization(*splits.train, Unreadable::skip);
  return report;
}

}  // namespace fovea
