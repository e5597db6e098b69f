// SPDX-License-Identifier: Apache-2.0
#include "core/data/folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "core/data/file_dataset.h"
#include "core/support/error.h"

namespace fovea {
namespace {

namespace fs = std::filesystem;

bool is_directory(const std::string& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

// The names in a directory, sorted, so that nothing depends on the file system.
std::vector<std::string> names_in(const std::string& directory) {
  std::error_code error;
  std::vector<std::string> names;
  fs::directory_iterator entry(directory, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    names.push_back(entry->path().filename().string());
  }
  require(!error, [&] { return fmt::format("folder:{0}: cannot read {0}: {1}", directory, error.message()); });
  std::ranges::sort(names);
  return names;
}

struct Listing {
  std::vector<std::string> class_names, strays, notes;
  std::vector<ImageFile> files;
};

Listing list_classes(const std::string& directory) {
  Listing listing;
  for (const std::string& name : names_in(directory)) {
    const std::string path = directory + "/" + name;
    if (!is_directory(path)) {
      listing.notes.push_back(fmt::format("not in a class's directory, not read: {}", path));
      continue;
    }
    const auto label = static_cast<std::int32_t>(listing.class_names.size());
    listing.class_names.push_back(name);
    const std::size_t before = listing.files.size();
    for (const std::string& file : names_in(path)) {
      const std::string image = path + "/" + file;
      if (is_directory(image)) {
        listing.strays.push_back(image + ": a directory inside of a class");
      } else if (!has_image_name(file)) {
        listing.strays.push_back(image + ": expected a name that ends in .jpg, .jpeg, .png, .pgm or .ppm");
      } else {
        listing.files.push_back({image, label});
      }
    }
    require(listing.files.size() > before,
            [&] { return fmt::format("folder:{}: class '{}' has no images in {}", directory, name, path); });
  }
  require(!listing.class_names.empty(), [&] {
    return fmt::format("folder:{0}: expected a directory with images for each class in {0}, found none", directory);
  });
  return listing;
}

}  // namespace

DataSplits open_folder(const std::string& directory, const DataOptions& options) {
  require(is_directory(directory), [&] { return fmt::format("folder:{0}: {0} is not a directory", directory); });
  const Shape size = required_size("folder", directory, options);
  const std::string train = directory + "/train", what = "folder:" + directory;
  const std::string test = is_directory(directory + "/test") ? directory + "/test" : directory + "/val";
  DataSplits splits;
  if (!is_directory(train) || !is_directory(test)) {
    const Listing all = list_classes(directory);
    splits.notes = all.notes;
    report_strays(what, all.strays, options, splits.notes);
    split_files(what, all.files, all.class_names, size, options, splits);
    return splits;
  }
  require(!options.holdout, [&] {
    return fmt::format("{}: holdout is for folders that are not split; this one has {} and {}", what, train, test);
  });
  Listing of_train = list_classes(train), of_test = list_classes(test);
  require(of_train.class_names == of_test.class_names, [&] {
    return fmt::format("{}: expected the same classes in both splits, got {} in {} and {} in {}", what,
                       fmt::join(of_train.class_names, ", "), train, fmt::join(of_test.class_names, ", "), test);
  });
  for (const std::string& name : names_in(directory)) {
    const std::string path = directory + "/" + name;
    if (path != train && path != test) splits.notes.push_back(fmt::format("beside the splits, not read: {}", path));
  }
  for (Listing* listing : {&of_train, &of_test}) {
    splits.notes.insert(splits.notes.end(), listing->notes.begin(), listing->notes.end());
  }
  of_train.strays.insert(of_train.strays.end(), of_test.strays.begin(), of_test.strays.end());
  report_strays(what, of_train.strays, options, splits.notes);
  const ImageFit fit = options.fit.value_or(ImageFit::crop);
  splits.train = std::make_unique<FileDataset>(std::move(of_train.files), of_train.class_names, size, fit);
  splits.test = std::make_unique<FileDataset>(std::move(of_test.files), of_train.class_names, size, fit);
  return splits;
}

}  // namespace fovea
