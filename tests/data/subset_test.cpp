// SPDX-License-Identifier: Apache-2.0
#include "core/data/subset.h"

#include "core/data/cifar.h"
#include "core/data/memory_dataset.h"
#include "tests/data/files.h"

namespace fovea {
namespace {

using test::Bytes;
using test::holds;
using test::input_error;

// Samples of one byte: 0, 1, 2, ...; class i % 3.
std::unique_ptr<Dataset> counting(std::int64_t samples) {
  return generate_dataset(Shape{1, 1, 1}, {"ant", "bee", "cow"}, samples, [](std::int64_t i, auto pixels) {
    pixels[0] = static_cast<std::uint8_t>(i);
    return static_cast<std::int32_t>(i % 3);
  });
}
DataSplits splits() {
  DataSplits s;
  s.spec = "counting";
  s.train = counting(10);
  s.test = counting(7);
  return s;
}
std::vector<int> values(const Dataset& data) {
  std::vector<int> all;
  Bytes pixel(1);
  for (std::int64_t i = 0; i < data.size(); ++i) {
    const std::int32_t label = data.read(i, pixel);
    EXPECT_EQ(label, data.label(i));
    all.push_back(100 * label + pixel[0]);
  }
  return all;
}

TEST(Subset, KeepsClassesInTheOrderGiven) {
  DataSplits s = splits();
  select_classes(s, {.classes = "cow,0"});
  EXPECT_EQ(s.train->class_names(), (std::vector<std::string>{"cow", "ant"}));
  EXPECT_EQ(values(*s.train), (std::vector<int>{100, 2, 103, 5, 106, 8, 109}));
  EXPECT_EQ(values(*s.test), (std::vector<int>{100, 2, 103, 5, 106}));
}

TEST(Subset, TakesTheFirstOfEachClassForTraining) {
  DataSplits s = splits();
  select_classes(s, {.per_class = 2});
  EXPECT_EQ(values(*s.train), (std::vector<int>{0, 101, 202, 3, 104, 205}));
  EXPECT_EQ(s.test->size(), 7);
}

TEST(Subset, RefusesWhatIsNotThere) {
  const auto error = [](const DataOptions& options) {
    DataSplits s = splits();
    return input_error([&] { select_classes(s, options); });
  };
  EXPECT_TRUE(holds(error({.classes = "cwo"}), {"classes: 'cwo' is none of the 3 classes", "did you mean 'cow'?"}));
  EXPECT_TRUE(holds(error({.classes = "3"}), {"'3' is none"}));
  EXPECT_TRUE(holds(error({.classes = "-1"}), {"'-1' is none"}));
  EXPECT_TRUE(holds(error({.classes = ""}), {"'' is none"}));
  EXPECT_TRUE(holds(error({.classes = "ant,0"}), {"'0' is named twice"}));
  EXPECT_TRUE(holds(error({.per_class = 4}), {"(train)", "class 'bee' has 3 samples; expected at least 4"}));
  EXPECT_TRUE(holds(input_error([] { open_data("shapes:16x16#per-class=2"); }), {"one label for each sample"}));
  EXPECT_TRUE(holds(input_error([] { SubsetDataset(counting(3), {3}, {0}, {"a"}); }), {"sample 3 of 3"}));
  EXPECT_TRUE(holds(input_error([] { SubsetDataset(counting(3), {0}, {1}, {"a"}); }), {"class 1 of 1"}));
  EXPECT_TRUE(holds(input_error([] { SubsetDataset(counting(3), {}, {}, {"a"}); }), {"got 0 and 0"}));
}

TEST(Subset, IsAnOptionOfEverySpecification) {
  const DataSplits s = open_data("digits#classes=7,3#per-class=5");
  EXPECT_EQ(s.train->size(), 10);
  EXPECT_EQ(s.train->class_names(), (std::vector<std::string>{"7", "3"}));
  EXPECT_EQ(s.test->size(), 800);
}

TEST(Cifar100, ReadsTheFineLabels) {
  test::TemporaryDirectory directory;
  Bytes records;
  for (const std::uint8_t fine : {99, 0}) {
    records.push_back(7);  // the coarse label
    records.push_back(fine);
    records.insert(records.end(), 3072, fine);
  }
  test::write_bytes(directory / "train.bin", records);
  const std::string spec = "cifar100:" + directory.path();
  EXPECT_TRUE(holds(input_error([&] { open_data(spec); }), {"test.bin", "CIFAR-100 binary version"}));
  test::write_bytes(directory / "test.bin", records);
  const DataSplits splits = open_data(spec);
  EXPECT_EQ(splits.train->class_names()[0], "apple");
  EXPECT_EQ(splits.train->class_names()[99], "worm");
  Bytes pixels(3072);
  EXPECT_EQ(splits.train->read(0, pixels), 99);
  EXPECT_EQ(pixels[3071], 99);
  records[1] = 100;
  test::write_bytes(directory / "test.bin", records);
  EXPECT_TRUE(holds(input_error([&] { open_data(spec); }), {"test.bin: the label of record 0 is 100", "from 0 to 99"}));
  records.pop_back();
  test::write_bytes(directory / "test.bin", records);
  EXPECT_TRUE(holds(input_error([&] { open_data(spec); }), {"records of 3074 bytes (two labels"}));
}

}  // namespace
}  // namespace fovea
