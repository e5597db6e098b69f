// SPDX-License-Identifier: Apache-2.0
#include "core/data/cifar.h"

#include <filesystem>

#include "core/data/dataset.h"
#include "tests/data/files.h"

namespace fovea {
namespace {

using test::Bytes;
using test::holds;
using test::input_error;

// `records` records whose labels count up from 0 and whose pixels are label, label + 1, ... modulo 251.
Bytes records(int number) {
  Bytes bytes;
  for (int i = 0; i < number; ++i) {
    bytes.push_back(static_cast<std::uint8_t>(i % 10));
    for (int p = 0; p < 3072; ++p) bytes.push_back(static_cast<std::uint8_t>((i + p) % 251));
  }
  return bytes;
}

class Cifar10 : public testing::Test {
 protected:
  void SetUp() override {
    for (int i = 1; i <= 5; ++i) write("data_batch_" + std::to_string(i) + ".bin", records(i));
    write("test_batch.bin", records(12));
  }
  void write(const std::string& name, const Bytes& bytes) { test::write_bytes(directory_ / name, bytes); }
  std::string spec() const { return "cifar10:" + directory_.path(); }
  std::string error() const {
    return input_error([&] { open_data(spec()); });
  }

  test::TemporaryDirectory directory_;
};

TEST_F(Cifar10, ReadsTheBinaryVersion) {
  const DataSplits splits = open_data(spec());
  EXPECT_EQ(splits.spec, spec());
  EXPECT_EQ(splits.train->size(), 1 + 2 + 3 + 4 + 5);
  EXPECT_EQ(splits.test->size(), 12);
  EXPECT_EQ(splits.train->sample_shape(), (Shape{3, 32, 32}));
  EXPECT_EQ(splits.train->classes(), 10);
  EXPECT_EQ(splits.train->class_names()[0], "airplane");
  EXPECT_EQ(splits.train->class_names()[9], "truck");
  Bytes pixels(3072);
  EXPECT_EQ(splits.train->read(2, pixels), 1);  // the second record of the second file
  EXPECT_EQ(pixels[0], 1);
  EXPECT_EQ(pixels[1024], (1 + 1024) % 251);  // green follows red
  EXPECT_EQ(splits.test->read(11, pixels), 1);
}

TEST_F(Cifar10, SaysWhichFileIsMissing) {
  std::filesystem::remove(directory_ / "data_batch_4.bin");
  EXPECT_TRUE(holds(error(), {"found no file", "data_batch_4.bin", "binary version"}));
  EXPECT_TRUE(holds(input_error([] { open_data("cifar10:"); }), {"expected cifar10:DIR"}));
  EXPECT_TRUE(holds(input_error([] { open_data("cifar10:/nowhere/at/all"); }), {"/nowhere/at/all/data_batch_1.bin"}));
}

TEST_F(Cifar10, RefusesFilesThatAreNoRecords) {
  Bytes bytes = records(2);
  bytes.pop_back();
  write("data_batch_3.bin", bytes);
  EXPECT_TRUE(holds(error(), {"data_batch_3.bin: expected records of 3073 bytes", "a file of 6145 bytes"}));
  write("data_batch_3.bin", {});
  EXPECT_TRUE(holds(error(), {"data_batch_3.bin", "a file of 0 bytes"}));
}

TEST_F(Cifar10, RefusesLabelsBeyondTheClasses) {
  Bytes bytes = records(3);
  bytes[3073] = 10;
  write("test_batch.bin", bytes);
  EXPECT_TRUE(holds(error(), {"test_batch.bin: the label of record 1 is 10", "from 0 to 9"}));
}

}  // namespace
}  // namespace fovea
