// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <vector>

#include "core/data/open_data.h"

namespace fovea {

struct ImageFile {
  std::string path;
  std::int32_t label = 0;
};

// Images in files of their own, decoded and scaled whenever they are read; nothing is kept in memory.
class FileDataset final : public Dataset {
 public:
  // Throws InputError: no files, a label outside the classes.
  FileDataset(std::vector<ImageFile> files, std::vector<std::string> class_names, Shape sample_shape, ImageFit fit);

  std::int64_t size() const override { return static_cast<std::int64_t>(files_.size()); }
  Shape sample_shape() const override { return sample_shape_; }
  const std::vector<std::string>& class_names() const override { return class_names_; }
  // Throws InputError naming the file when it is no image, or a damaged one.
  std::int32_t read(std::int64_t index, std::span<std::uint8_t> pixels) const override;
  std::int32_t label(std::int64_t index) const override { return at(index).label; }
  std::string file(std::int64_t index) const override { return at(index).path; }

  ImageFit fit() const { return fit_; }

 private:
  const ImageFile& at(std::int64_t index) const;

  std::vector<ImageFile> files_;
  std::vector<std::string> class_names_;
  Shape sample_shape_;
  ImageFit fit_;
};

// The size that the options ask for. Throws InputError that shows how to give one.
Shape required_size(std::string_view kind, const std::string& arguments, const DataOptions& options);

// Of every class the samples 0, N, 2N, ... in the given order become the test split; without a holdout all are for
// training. Throws InputError when a class has none left for training.
struct HoldoutSplit {
  std::vector<std::size_t> train, test;
};
HoldoutSplit split_by_holdout(const std::string& what, std::span<const std::int32_t> labels,
                              const std::vector<std::string>& class_names, std::optional<std::int64_t> holdout);

// The same of files, as two datasets; no test split without a holdout.
void split_files(const std::string& what, const std::vector<ImageFile>& files,
                 const std::vector<std::string>& class_names, const Shape& size, const DataOptions& options,
                 DataSplits& splits);

// True for names that end in .jpg, .jpeg, .png, .pgm or .ppm, in small or capital letters.
bool has_image_name(const std::string& name);

// Entries that are no samples: an error that lists them, or with Unreadable::skip notes.
void report_strays(const std::string& what, const std::vector<std::string>& strays, const DataOptions& options,
                   std::vector<std::string>& notes);

}  // namespace fovea
