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

constexpr std::size_t pixel_bytes = 3 * 32 * 32, record_bytes = 1 + pixel_bytes;
const char* const names[] = {"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"};
constexpr int classes = 10;

std::string existing(const std::string& directory, const std::string& name) {
  std::string path = directory + "/" + name;
  require(file_exists(path), [&] {
    return fmt::format(
        "cifar10:{}: found no file {}. Expected data_batch_1.bin to data_batch_5.bin and test_batch.bin, the "
        "\"CIFAR-10 "
        "binary version\" of www.cs.toronto.edu/~kriz/cifar.html, unpacked.",
        directory, path);
  });
  return path;
}

}  // namespace

std::unique_ptr<Dataset> read_cifar10(const std::vector<std::string>& paths) {
  std::vector<std::uint8_t> pixels;
  std::vector<std::int32_t> labels;
  std::array<std::uint8_t, record_bytes> record;
  for (const std::string& path : paths) {
    InputFile file(path);
    require(file.size() > 0 && file.size() % record_bytes == 0, [&] {
      return fmt::format("{}: expected records of {} bytes (a label and 3x32x32 pixels), got a file of {} bytes", path,
                         record_bytes, file.size());
    });
    const auto records = static_cast<std::size_t>(file.size() / record_bytes);
    pixels.reserve(pixels.size() + records * pixel_bytes);
    for (std::size_t i = 0; i < records; ++i) {
      file.read(std::as_writable_bytes(std::span(record)));
      require(record[0] < classes, [&] {
        return fmt::format("{}: the label of record {} is {}; expected a class from 0 to {}", path, i, record[0],
                           classes - 1);
      });
      labels.push_back(record[0]);
      pixels.insert(pixels.end(), record.begin() + 1, record.end());
    }
  }
  return std::make_unique<MemoryDataset>(Shape{3, 32, 32}, std::vector<std::string>(std::begin(names), std::end(names)),
                                         std::move(pixels), std::move(labels));
}

DataSplits open_cifar10(const std::string& directory) {
  // All names first: a missing file is told before long reads.
  std::vector<std::string> train;
  for (int i = 1; i <= 5; ++i) train.push_back(existing(directory, fmt::format("data_batch_{}.bin", i)));
  const std::string test = existing(directory, "test_batch.bin");
  DataSplits splits;
  splits.spec = "cifar10:" + directory;
  splits.train = read_cifar10(train);
  splits.test = read_cifar10({test});
  return splits;
}

}  // namespace fovea
