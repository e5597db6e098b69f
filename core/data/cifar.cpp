// SPDX-License-Identifier: Apache-2.0
#include "core/data/cifar.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "core/data/memory_dataset.h"
#include "core/io/file.h"
#include "core/support/error.h"

namespace fovea {
namespace {

constexpr std::size_t pixel_bytes = 3 * 32 * 32;
constexpr std::array<const char*, 10> names10{"airplane", "automobile", "bird",  "cat",  "deer",
                                              "dog",      "frog",       "horse", "ship", "truck"};
// The fine classes, in the order of their labels.
constexpr std::array<const char*, 100> names100{
    "apple",      "aquarium_fish", "baby",         "bear",       "beaver",      "bed",         "bee",
    "beetle",     "bicycle",       "bottle",       "bowl",       "boy",         "bridge",      "bus",
    "butterfly",  "camel",         "can",          "castle",     "caterpillar", "cattle",      "chair",
    "chimpanzee", "clock",         "cloud",        "cockroach",  "couch",       "crab",        "crocodile",
    "cup",        "dinosaur",      "dolphin",      "elephant",   "flatfish",    "forest",      "fox",
    "girl",       "hamster",       "house",        "kangaroo",   "keyboard",    "lamp",        "lawn_mower",
    "leopard",    "lion",          "lizard",       "lobster",    "man",         "maple_tree",  "motorcycle",
    "mountain",   "mouse",         "mushroom",     "oak_tree",   "orange",      "orchid",      "otter",
    "palm_tree",  "pear",          "pickup_truck", "pine_tree",  "plain",       "plate",       "poppy",
    "porcupine",  "possum",        "rabbit",       "raccoon",    "ray",         "road",        "rocket",
    "rose",       "sea",           "seal",         "shark",      "shrew",       "skunk",       "skyscraper",
    "snail",      "snake",         "spider",       "squirrel",   "streetcar",   "sunflower",   "sweet_pepper",
    "table",      "tank",          "telephone",    "television", "tiger",       "tractor",     "train",
    "trout",      "tulip",         "turtle",       "wardrobe",   "whale",       "willow_tree", "wolf",
    "woman",      "worm"};

// How a version lays out a record: its labels, of which `label` counts, and then the pixels.
struct RecordLayout {
  std::size_t labels, label;
  std::span<const char* const> names;
  const char* what;
  std::size_t record_bytes() const { return labels + pixel_bytes; }
};
constexpr RecordLayout cifar10{1, 0, names10, "a label"}, cifar100{2, 1, names100, "two labels"};

std::string existing(const char* kind, const std::string& directory, const std::string& name,
                     const std::string& expected) {
  std::string path = directory + "/" + name;
  require(file_exists(path), [&] {
    return fmt::format("{}:{}: found no file {}. Expected {} of www.cs.toronto.edu/~kriz/cifar.html, unpacked.", kind,
                       directory, path, expected);
  });
  return path;
}

std::unique_ptr<Dataset> read_records(const std::vector<std::string>& paths, const RecordLayout& layout) {
  std::vector<std::uint8_t> pixels, record(layout.record_bytes());
  std::vector<std::int32_t> labels;
  for (const std::string& path : paths) {
    InputFile file(path);
    require(file.size() > 0 && file.size() % record.size() == 0, [&] {
      return fmt::format("{}: expected records of {} bytes ({} and 3x32x32 pixels), got a file of {} bytes", path,
                         record.size(), layout.what, file.size());
    });
    const auto records = static_cast<std::size_t>(file.size() / record.size());
    pixels.reserve(pixels.size() + records * pixel_bytes);
    for (std::size_t i = 0; i < records; ++i) {
      file.read(std::as_writable_bytes(std::span(record)));
      const std::uint8_t label = record[layout.label];
      require(label < layout.names.size(), [&] {
        return fmt::format("{}: the label of record {} is {}; expected a class from 0 to {}", path, i, label,
                           layout.names.size() - 1);
      });
      labels.push_back(label);
      pixels.insert(pixels.end(), record.begin() + static_cast<std::ptrdiff_t>(layout.labels), record.end());
    }
  }
  return std::make_unique<MemoryDataset>(Shape{3, 32, 32},
                                         std::vector<std::string>(layout.names.begin(), layout.names.end()),
                                         std::move(pixels), std::move(labels));
}

}  // namespace

std::unique_ptr<Dataset> read_cifar10(const std::vector<std::string>& paths) { return read_records(paths, cifar10); }
std::unique_ptr<Dataset> read_cifar100(const std::string& path) { return read_records({path}, cifar100); }

DataSplits open_cifar10(const std::string& directory) {
  const std::string expected =
      "data_batch_1.bin to data_batch_5.bin and test_batch.bin, the \"CIFAR-10 binary version\"";
  // All names first: a missing file is told before long reads.
  std::vector<std::string> train;
  for (int i = 1; i <= 5; ++i) {
    train.push_back(existing("cifar10", directory, fmt::format("data_batch_{}.bin", i), expected));
  }
  const std::string test = existing("cifar10", directory, "test_batch.bin", expected);
  DataSplits splits;
  splits.train = read_cifar10(train);
  splits.test = read_cifar10({test});
  return splits;
}

DataSplits open_cifar100(const std::string& directory) {
  const std::string expected = "train.bin and test.bin, the \"CIFAR-100 binary version\"";
  const std::string train = existing("cifar100", directory, "train.bin", expected);
  const std::string test = existing("cifar100", directory, "test.bin", expected);
  DataSplits splits;
  splits.train = read_cifar100(train);
  splits.test = read_cifar100(test);
  return splits;
}

}  // namespace fovea
