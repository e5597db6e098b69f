// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "core/data/open_data.h"

namespace fovea {

// Some samples of another dataset, under other labels.
class SubsetDataset final : public Dataset {
 public:
  // Sample i is sample indices[i] of `data` with label labels[i]. Throws InputError: no samples, an index or a label out
  // of range, data with a label for each position.
  SubsetDataset(std::shared_ptr<const Dataset> data, std::vector<std::int64_t> indices,
                std::vector<std::int32_t> labels, std::vector<std::string> class_names);

  std::int64_t size() const override { return static_cast<std::int64_t>(indices_.size()); }
  Shape sample_shape() const override { return data_->sample_shape(); }
  const std::vector<std::string>& class_names() const override { return class_names_; }
  std::int32_t read(std::int64_t index, std::span<std::uint8_t> pixels) const override;
  std::int32_t label(std::int64_t index) const override;
  std::string file(std::int64_t index) const override;

 private:
  std::size_t checked(std::int64_t index) const;

  std::shared_ptr<const Dataset> data_;
  std::vector<std::int64_t> indices_;
  std::vector<std::int32_t> labels_;
  std::vector<std::string> class_names_;
};

// Applies `classes` and `per_class` of the options: both splits keep the named classes only, and the train split the first
// `per_class` samples of each. Throws InputError: an unknown class (with a did-you-mean), one named twice, a class with
// fewer samples than asked for, or without any in a split.
void select_classes(DataSplits& splits, const DataOptions& options);

// `count` samples drawn by `seed` for validation, and the others for training, each in the order of the data. Throws
// InputError unless both get a sample.
struct ValidationSplit {
  std::unique_ptr<Dataset> train, validation;
};
ValidationSplit split_validation(std::shared_ptr<const Dataset> data, std::int64_t count, std::uint64_t seed);

// Reads every sample that has a file of its own, on all threads, and leaves out those that cannot be read, a note for
// each. Throws InputError when a split has none left.
void leave_out_unreadable(DataSplits& splits);

}  // namespace fovea
