// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "core/data/dataset.h"

namespace fovea {

// A dataset held in memory.
class MemoryDataset final : public Dataset {
 public:
  // `pixels` holds labels.size() samples one after another. Throws InputError: no samples, a byte count that does not
  // fit, a label outside the classes.
  MemoryDataset(Shape sample_shape, std::vector<std::string> class_names, std::vector<std::uint8_t> pixels,
                std::vector<std::int32_t> labels);

  std::int64_t size() const override { return static_cast<std::int64_t>(labels_.size()); }
  Shape sample_shape() const override { return sample_shape_; }
  const std::vector<std::string>& class_names() const override { return class_names_; }
  std::int32_t read(std::int64_t index, std::span<std::uint8_t> pixels) const override;
  std::int32_t label(std::int64_t index) const override;

 private:
  Shape sample_shape_;
  std::vector<std::string> class_names_;
  std::vector<std::uint8_t> pixels_;
  std::vector<std::int32_t> labels_;
};

// Makes each sample with `generate(i, pixels)`, which returns its label; on all threads.
std::unique_ptr<Dataset> generate_dataset(
    Shape sample_shape, std::vector<std::string> class_names, std::int64_t samples,
    const std::function<std::int32_t(std::int64_t index, std::span<std::uint8_t> pixels)>& generate);

// Names "0", "1", ... for classes without better ones.
std::vector<std::string> numbered_classes(std::int64_t classes);

}  // namespace fovea
