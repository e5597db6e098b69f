// SPDX-License-Identifier: Apache-2.0
#include "core/data/check.h"

#include <cstdlib>
#include <filesystem>

#include "core/data/memory_dataset.h"
#include "core/data/open_data.h"
#include "tests/data/files.h"

namespace fovea {
namespace {

using test::Bytes;
using test::holds;

// Samples of two bytes, a class for each.
DataSplits data(Bytes train, std::vector<std::int32_t> train_labels, Bytes test,
                std::vector<std::int32_t> test_labels) {
  const std::vector<std::string> names{"ant", "bee"};
  DataSplits splits;
  splits.spec = "small";
  splits.train = std::make_unique<MemoryDataset>(Shape{1, 1, 2}, names, std::move(train), std::move(train_labels));
  splits.test = std::make_unique<MemoryDataset>(Shape{1, 1, 2}, names, std::move(test), std::move(test_labels));
  return splits;
}

TEST(CheckData, FindsNothingWrongWithSoundData) {
  const DataReport report = check_data(data({1, 2, 3, 4}, {0, 1}, {5, 6, 7, 8}, {0, 1}));
  EXPECT_TRUE(report.problems.empty());
  EXPECT_TRUE(report.notes.empty());
  EXPECT_TRUE(report.duplicates.empty());
  EXPECT_EQ(report.splits.at(1).per_class, (std::vector<std::int64_t>{1, 1}));
  EXPECT_FLOAT_EQ(report.normalization.mean.at(0), 2.5f / 255);
}

TEST(CheckData, TellsDuplicatesApart) {
  // 1 2 twice in class 0, 3 4 in both classes, 5 6 in both splits.
  const DataReport report = check_data(data({1, 2, 3, 4, 1, 2, 3, 4, 5, 6}, {0, 0, 0, 1, 1}, {5, 6, 9, 9}, {1, 0}));
  ASSERT_EQ(report.duplicates.size(), 3u);
  EXPECT_FALSE(report.duplicates[0].across_classes || report.duplicates[0].across_splits);
  EXPECT_EQ(report.duplicates[0].samples.at(1).index, 2);
  EXPECT_TRUE(report.duplicates[1].across_classes);
  EXPECT_FALSE(report.duplicates[1].across_splits);
  EXPECT_TRUE(report.duplicates[2].across_splits);
  EXPECT_FALSE(report.duplicates[2].across_classes);
  EXPECT_EQ(report.duplicates[2].samples.at(1).split, "test");
  ASSERT_EQ(report.problems.size(), 2u);
  EXPECT_TRUE(holds(report.problems[0], {"1 group of equal samples across classes"}));
  EXPECT_TRUE(holds(report.problems[1], {"1 group of equal samples across splits"}));
  ASSERT_EQ(report.notes.size(), 1u);
  EXPECT_TRUE(holds(report.notes[0], {"inside of a class and a split"}));
}

TEST(CheckData, FindsMissingAndRareClasses) {
  DataReport report = check_data(data({1, 2, 3, 4}, {0, 1}, {5, 6}, {0}));
  ASSERT_EQ(report.problems.size(), 1u);
  EXPECT_TRUE(holds(report.problems[0], {"class 'bee' has no samples in the test split"}));
  Bytes many;
  for (std::uint8_t i = 0; i < 22; ++i) many.push_back(i);
  std::vector<std::int32_t> labels(11, 0);
  labels[5] = 1;
  report = check_data(data(many, labels, {50, 51, 52, 53}, {0, 1}));
  EXPECT_TRUE(report.problems.empty());
  ASSERT_EQ(report.notes.size(), 1u);
  EXPECT_TRUE(holds(report.notes[0], {"unbalanced train split: 10 samples of 'ant', 1 of 'bee'"}));
}

TEST(CheckData, TellsWhatIsWrongWhenNothingCanBeRead) {
  test::TemporaryDirectory directory;
  std::filesystem::create_directories(directory / "ant");
  test::write_bytes(directory / "ant/0.jpg", {0xFF, 0xD8, 0xFF});
  const DataReport report = check_data(open_data("folder:" + directory.path() + "@4", {.one_split = true}));
  ASSERT_EQ(report.unreadable.size(), 1u);
  EXPECT_TRUE(holds(report.unreadable[0], {"ant/0.jpg: damaged JPEG"}));
  EXPECT_TRUE(holds(report.problems.at(0), {"class 'ant' has no samples"}));
  EXPECT_TRUE(holds(report.problems.at(1), {"1 of 1 samples cannot be read"}));
  EXPECT_TRUE(report.normalization.mean.empty());
}

// Three photographs of TrashNet are in two classes each.
TEST(CheckData, FindsTrashNetsDuplicates) {
  const char* directory = std::getenv("FOVEA_DATA");
  if (directory == nullptr) GTEST_SKIP() << "FOVEA_DATA not set";
  const DataReport report = check_data(open_data("folder:" + std::string(directory) + "/trashnet150@150#holdout=5"));
  ASSERT_EQ(report.duplicates.size(), 3u);
  std::string names;
  for (const Duplicates& d : report.duplicates) {
    EXPECT_TRUE(d.across_classes);
    for (const SampleName& sample : d.samples) names += sample.file + "\n";
  }
  EXPECT_TRUE(holds(
      names, {"metal91.jpg", "glass115.jpg", "plastic152.jpg", "glass176.jpg", "plastic332.jpg", "glass389.jpg"}));
  EXPECT_TRUE(report.unreadable.empty());
  EXPECT_EQ(report.splits[0].samples + report.splits[1].samples, 2527);
}

}  // namespace
}  // namespace fovea
