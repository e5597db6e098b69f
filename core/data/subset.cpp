// SPDX-License-Identifier: Apache-2.0
#include "core/data/subset.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <numeric>

#include "core/support/did_you_mean.h"
#include "core/support/error.h"
#include "core/support/parallel.h"
#include "core/support/philox.h"

namespace fovea {
namespace {

// A class by its name, or else by its number.
std::int32_t class_number(const std::string& spec, std::string_view text, const std::vector<std::string>& names) {
  const auto found = std::ranges::find(names, text);
  if (found != names.end()) return static_cast<std::int32_t>(found - names.begin());
  std::int32_t number = -1;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = fault == std::errc{} && end == text.data() + text.size();
  require(whole && number >= 0 && static_cast<std::size_t>(number) < names.size(), [&] {
    return fmt::format("data '{}': classes: '{}' is none of the {} classes{}", spec, text, names.size(),
                       did_you_mean(text, names));
  });
  return number;
}

std::vector<std::int32_t> kept_classes(const std::string& spec, const DataOptions& options,
                                       const std::vector<std::string>& names) {
  std::vector<std::int32_t> kept;
  if (!options.classes) {
    for (std::size_t c = 0; c < names.size(); ++c) kept.push_back(static_cast<std::int32_t>(c));
    return kept;
  }
  for (std::string_view rest = *options.classes;;) {
    const std::size_t comma = rest.find(',');
    const std::string_view text = rest.substr(0, comma);
    const std::int32_t number = class_number(spec, text, names);
    require(std::ranges::find(kept, number) == kept.end(),
            [&] { return fmt::format("data '{}': classes: '{}' is named twice", spec, text); });
    kept.push_back(number);
    if (comma == std::string_view::npos) return kept;
    rest.remove_prefix(comma + 1);
  }
}

std::unique_ptr<Dataset> subset(std::unique_ptr<Dataset> data, const std::string& where,
                                const std::vector<std::int32_t>& kept, std::int64_t per_class) {
  require(data->label_shape().rank() == 0,
          [&] { return fmt::format("{}: classes and per-class are for data with one label for each sample", where); });
  std::vector<std::int32_t> new_label(data->class_names().size(), -1);
  std::vector<std::string> names;
  for (std::size_t k = 0; k < kept.size(); ++k) {
    new_label[static_cast<std::size_t>(kept[k])] = static_cast<std::int32_t>(k);
    names.push_back(data->class_names()[static_cast<std::size_t>(kept[k])]);
  }
  std::vector<std::int64_t> indices, count(kept.size());
  std::vector<std::int32_t> labels;
  for (std::int64_t i = 0; i < data->size(); ++i) {
    const std::int32_t label = new_label[static_cast<std::size_t>(data->label(i))];
    if (label < 0 || count[static_cast<std::size_t>(label)] == per_class) continue;
    ++count[static_cast<std::size_t>(label)];
    indices.push_back(i);
    labels.push_back(label);
  }
  for (std::size_t k = 0; k < kept.size(); ++k) {
    const std::int64_t least = per_class == std::numeric_limits<std::int64_t>::max() ? 1 : per_class;
    require(count[k] >= least, [&] {
      return fmt::format("{}: class '{}' has {} samples; expected at least {}", where, names[k], count[k], least);
    });
  }
  return std::make_unique<SubsetDataset>(std::move(data), std::move(indices), std::move(labels), std::move(names));
}

void leave_out_unreadable(std::unique_ptr<Dataset>& data, std::vector<std::string>& notes) {
  if (!data || data->file(0).empty()) return;
  std::vector<std::string> faults(static_cast<std::size_t>(data->size()));
  parallel_ranges(data->size(), 1, [&](std::int64_t begin, std::int64_t end) {
    std::vector<std::uint8_t> pixels(static_cast<std::size_t>(data->sample_shape().elements()));
    for (std::int64_t i = begin; i < end; ++i) {
      try {
        data->read(i, pixels);
      } catch (const InputError& error) {
        faults[static_cast<std::size_t>(i)] = error.what();
      }
    }
  });
  std::vector<std::int64_t> indices;
  std::vector<std::int32_t> labels;
  for (std::size_t i = 0; i < faults.size(); ++i) {
    if (faults[i].empty()) {
      indices.push_back(static_cast<std::int64_t>(i));
      labels.push_back(data->label(indices.back()));
    } else {
      notes.push_back("left out: " + faults[i]);
    }
  }
  if (indices.size() == faults.size()) return;
  require(!indices.empty(), [&] { return fmt::format("none of {} images can be read: {}", faults.size(), faults[0]); });
  std::vector<std::string> names = data->class_names();
  data = std::make_unique<SubsetDataset>(std::move(data), std::move(indices), std::move(labels), std::move(names));
}

}  // namespace

SubsetDataset::SubsetDataset(std::shared_ptr<const Dataset> data, std::vector<std::int64_t> indices,
                             std::vector<std::int32_t> labels, std::vector<std::string> class_names)
    : data_(std::move(data)),
      indices_(std::move(indices)),
      labels_(std::move(labels)),
      class_names_(std::move(class_names)) {
  require(!indices_.empty() && indices_.size() == labels_.size(), [&] {
    return fmt::format("subset: expected samples and as many labels, got {} and {}", indices_.size(), labels_.size());
  });
  require(data_->label_shape().rank() == 0,
          [] { return "subset: expected data with one label for each sample, got a label for each position"; });
  for (std::size_t i = 0; i < indices_.size(); ++i) {
    require(indices_[i] >= 0 && indices_[i] < data_->size() && labels_[i] >= 0 && labels_[i] < classes(), [&] {
      return fmt::format("subset: sample {} is sample {} of {}, class {} of {}", i, indices_[i], data_->size(),
                         labels_[i], classes());
    });
  }
}

std::size_t SubsetDataset::checked(std::int64_t index) const {
  require(index >= 0 && index < size(),
          [&] { return fmt::format("dataset: sample {} does not exist; there are {}", index, size()); });
  return static_cast<std::size_t>(index);
}

std::int32_t SubsetDataset::read(std::int64_t index, std::span<std::uint8_t> pixels) const {
  const std::size_t i = checked(index);
  data_->read(indices_[i], pixels);
  return labels_[i];
}
std::int32_t SubsetDataset::label(std::int64_t index) const { return labels_[checked(index)]; }
std::string SubsetDataset::file(std::int64_t index) const { return data_->file(indices_[checked(index)]); }

ValidationSplit split_validation(std::shared_ptr<const Dataset> data, std::int64_t count, std::uint64_t seed) {
  require(count >= 1 && count < data->size(), [&] {
    return fmt::format("validation: expected 1 to {} of the {} training images, got {}", data->size() - 1, data->size(),
                       count);
  });
  std::vector<std::int64_t> all(static_cast<std::size_t>(data->size()));
  std::iota(all.begin(), all.end(), 0);
  RandomStream random(seed, RandomPurpose::validation, 0);
  const auto chosen = static_cast<std::size_t>(count);
  for (std::size_t i = 0; i < chosen; ++i)  // the first steps of a Fisher-Yates shuffle
    std::swap(all[i], all[i + random.below(static_cast<std::uint32_t>(all.size() - i))]);
  const auto subset = [&](auto begin, auto end) {
    std::vector<std::int64_t> indices(begin, end);
    std::ranges::sort(indices);
    std::vector<std::int32_t> labels;
    for (const std::int64_t index : indices) labels.push_back(data->label(index));
    return std::make_unique<SubsetDataset>(data, std::move(indices), std::move(labels), data->class_names());
  };
  const auto middle = all.begin() + count;
  return {subset(middle, all.end()), subset(all.begin(), middle)};
}

void leave_out_unreadable(DataSplits& splits) {
  leave_out_unreadable(splits.train, splits.notes);
  leave_out_unreadable(splits.test, splits.notes);
}

void select_classes(DataSplits& splits, const DataOptions& options) {
  constexpr std::int64_t all = std::numeric_limits<std::int64_t>::max();
  const std::vector<std::int32_t> kept = kept_classes(splits.spec, options, splits.train->class_names());
  const std::string where = fmt::format("data '{}'", splits.spec);
  splits.train = subset(std::move(splits.train), where + " (train)", kept, options.per_class.value_or(all));
  if (splits.test) splits.test = subset(std::move(splits.test), where + " (test)", kept, all);
}

}  // namespace fovea
