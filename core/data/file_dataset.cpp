// SPDX-License-Identifier: Apache-2.0
#include "core/data/file_dataset.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/support/error.h"

namespace fovea {
namespace {

constexpr std::size_t most_listed = 10;

}  // namespace

FileDataset::FileDataset(std::vector<ImageFile> files, std::vector<std::string> class_names, Shape sample_shape,
                         ImageFit fit)
    : files_(std::move(files)), class_names_(std::move(class_names)), sample_shape_(sample_shape), fit_(fit) {
  require(!files_.empty(), [] { return "dataset: expected at least one image file, got none"; });
  for (const ImageFile& file : files_) {
    require(file.label >= 0 && file.label < classes(),
            [&] { return fmt::format("{}: label {}; expected a class below {}", file.path, file.label, classes()); });
  }
}

const ImageFile& FileDataset::at(std::int64_t index) const {
  require(index >= 0 && index < size(),
          [&] { return fmt::format("dataset: sample {} does not exist; there are {}", index, size()); });
  return files_[static_cast<std::size_t>(index)];
}

std::int32_t FileDataset::read(std::int64_t index, std::span<std::uint8_t> pixels) const {
  const ImageFile& file = at(index);
  require(static_cast<std::int64_t>(pixels.size()) == sample_shape_.elements(), [&] {
    return fmt::format("dataset: a sample has {} bytes, room was given for {}", sample_shape_.elements(),
                       pixels.size());
  });
  const Tensor image = fit_image(read_image(file.path), sample_shape_, fit_);
  std::ranges::copy(image.span<std::uint8_t>(), pixels.begin());
  return file.label;
}

Shape required_size(std::string_view kind, const std::string& arguments, const DataOptions& options) {
  require(options.size.has_value(), [&] {
    return fmt::format(
        "data '{0}:{1}': expected the size of the samples, e.g. {0}:{1}@128 (3x128x128) or "
        "{0}:{1}@1x28x28",
        kind, arguments);
  });
  return *options.size;
}

HoldoutSplit split_by_holdout(const std::string& what, std::span<const std::int32_t> labels,
                              const std::vector<std::string>& class_names, std::optional<std::int64_t> holdout) {
  HoldoutSplit split;
  std::vector<std::int64_t> seen(class_names.size()), trained(class_names.size());
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const auto label = static_cast<std::size_t>(labels[i]);
    const bool test = holdout && seen[label] % *holdout == 0;
    ++seen[label];
    if (!test) ++trained[label];
    (test ? split.test : split.train).push_back(i);
  }
  for (std::size_t c = 0; c < class_names.size(); ++c) {
    require(trained[c] > 0 || seen[c] == 0, [&] {
      return fmt::format("{}: class '{}' has {} sample; holdout {} leaves none for training", what, class_names[c],
                         seen[c], *holdout);
    });
  }
  return split;
}

void split_files(const std::string& what, const std::vector<ImageFile>& files,
                 const std::vector<std::string>& class_names, const Shape& size, const DataOptions& options,
                 DataSplits& splits) {
  std::vector<std::int32_t> labels;
  for (const ImageFile& file : files) labels.push_back(file.label);
  const HoldoutSplit split = split_by_holdout(what, labels, class_names, options.holdout);
  const auto dataset = [&](const std::vector<std::size_t>& indices) {
    std::vector<ImageFile> chosen;
    for (const std::size_t i : indices) chosen.push_back(files[i]);
    return std::make_unique<FileDataset>(std::move(chosen), class_names, size, options.fit.value_or(ImageFit::crop));
  };
  splits.train = dataset(split.train);
  if (options.holdout) splits.test = dataset(split.test);
}

bool has_image_name(const std::string& name) {
  const std::size_t dot = name.rfind('.');
  if (dot == std::string::npos || dot == 0) return false;
  std::string ending = name.substr(dot + 1);
  for (char& c : ending) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return ending == "jpg" || ending == "jpeg" || ending == "png" || ending == "pgm" || ending == "ppm";
}

void report_strays(const std::string& what, const std::vector<std::string>& strays, const DataOptions& options,
                   std::vector<std::string>& notes) {
  if (options.unreadable.value_or(Unreadable::fail) == Unreadable::skip) {
    for (const std::string& stray : strays) notes.push_back("left out: " + stray);
    return;
  }
  require(strays.empty(), [&] {
    std::string list;
    for (std::size_t i = 0; i < std::min(strays.size(), most_listed); ++i) list += "\n  " + strays[i];
    if (strays.size() > most_listed) list += fmt::format("\n  and {} more", strays.size() - most_listed);
    return fmt::format("{}: {} that cannot be samples; remove them, or leave them out with #unreadable=skip:{}", what,
                       strays.size() == 1 ? "1 entry" : fmt::format("{} entries", strays.size()), list);
  });
}

}  // namespace fovea
